"""A receiver of callbacks as a Django application with WSGI. It finds the mock in its environment."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import django
import httpx2
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.urls import path

if TYPE_CHECKING:
    from django.http import HttpRequest

SECRET = "s3cret-of-the-callback"
booked: dict[str, Any] = {}


def hook(request: HttpRequest) -> HttpResponse:
    """Confirm a callback, and book it once."""
    if request.GET.get("secret") != SECRET:
        return HttpResponse(status=403)
    try:
        task_id = json.loads(request.body)["id"]
    except (ValueError, TypeError, LookupError):
        return HttpResponse(status=400)
    status, task = ask(str(task_id))
    if status in {400, 403, 404}:
        return HttpResponse(status=404)
    if status != 200 or task.get("status") not in {"completed", "failed"}:
        return HttpResponse(status=503)
    booked.setdefault(task_id, task)
    return HttpResponse(status=204)


def ask(task_id: str) -> tuple[int, dict[str, Any]]:
    """The status of the response of the API, and the task."""
    headers = {"Authorization": f"Bearer {os.environ['EVOLINK_API_KEY']}"}
    try:
        answer = httpx2.get(f"{os.environ['EVOLINK_BASE_URL']}/v1/tasks/{task_id}", headers=headers)
        return answer.status_code, answer.json()
    except (httpx2.HTTPError, ValueError):
        return 0, {}


urlpatterns = [path("hook", hook)]


def application() -> WSGIHandler:
    """The application; Django is set up once for the whole process."""
    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="only for tests", MIDDLEWARE=[]
        )
        django.setup(set_prefix=False)
    return WSGIHandler()
