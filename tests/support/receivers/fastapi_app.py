"""A receiver of callbacks as a FastAPI application. It finds the mock in its environment."""

from __future__ import annotations

import os
from typing import Any

import httpx2
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

SECRET = "s3cret-of-the-callback"


class Callback(BaseModel):
    """Of the body of a callback, only the id is used."""

    id: str


app = FastAPI()
booked: dict[str, Any] = {}


@app.post("/hook", status_code=204)
async def hook(callback: Callback, secret: str = "") -> None:
    """Confirm a callback, and book it once."""
    if secret != SECRET:
        raise HTTPException(403)
    headers = {"Authorization": f"Bearer {os.environ['EVOLINK_API_KEY']}"}
    async with httpx2.AsyncClient(base_url=os.environ["EVOLINK_BASE_URL"], headers=headers) as api:
        try:
            answer = await api.get(f"/v1/tasks/{callback.id}")
            task = answer.json()
        except (httpx2.HTTPError, ValueError):
            raise HTTPException(503) from None
    if answer.status_code in {400, 403, 404}:
        raise HTTPException(404)
    if answer.status_code != 200 or task["status"] not in {"completed", "failed"}:
        raise HTTPException(503)
    booked.setdefault(callback.id, task)
