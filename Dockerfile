# The mock server as an image: docker build -t evolink-mock . && docker run --rm -p 8080:8080 evolink-mock
# With results in every size and format: docker build --build-arg EXTRAS='[media]' …
FROM python:3.13-slim AS build
ARG EXTRAS=""
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY spec spec
COPY mockserver mockserver
COPY contracts contracts
RUN python -m venv /opt/evolink-mock \
    && /opt/evolink-mock/bin/pip install --no-cache-dir --no-compile ".${EXTRAS}" \
    && /opt/evolink-mock/bin/python -m compileall -q /opt/evolink-mock

FROM python:3.13-slim
COPY --from=build /opt/evolink-mock /opt/evolink-mock
ENV PATH="/opt/evolink-mock/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
# A number as the user, so that Kubernetes can see that it is not root.
# The image runs on a read-only root. State, if it is kept, belongs on a volume: --store sqlite:/state/mock.db
RUN useradd --system --uid 10001 --no-create-home evolink-mock \
    && mkdir /state && chown evolink-mock /state
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --start-interval=0.5s \
    CMD ["evolink-mock", "wait", "http://127.0.0.1:8080", "--timeout", "2s"]
ENTRYPOINT ["evolink-mock"]
CMD ["serve", "--host", "0.0.0.0"]
