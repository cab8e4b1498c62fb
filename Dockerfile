# The gateway in a container: not root, nothing written but /var/lib/gateway, no shell needed at run time.
# Each RUN is plain shell over two paths, so that tests/test_packaging.py can run the same steps without an engine.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ARG venv=/opt/gateway
WORKDIR /src
COPY requirements-scaled.lock ./
RUN python -m venv "$venv" && "$venv/bin/pip" install --no-cache-dir --require-hashes -r requirements-scaled.lock
COPY pyproject.toml README.md LICENSE ./
COPY policies policies
COPY templates templates
COPY gateway gateway
RUN "$venv/bin/pip" install --no-cache-dir --no-deps --no-build-isolation .
ARG state=/var/lib/gateway
RUN install -d -m 0700 "$state" "$state/tls" "$state/keys" "$state/dkim" "$state/backups"

FROM python:${PYTHON}-slim
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_CONFIG=/etc/gateway/gateway.toml
COPY --from=build /opt/gateway /opt/gateway
COPY --from=build --chown=10001:10001 /var/lib/gateway /var/lib/gateway
USER 10001:10001
WORKDIR /var/lib/gateway
VOLUME /var/lib/gateway
# submission, submission under TLS, inbound, pages
EXPOSE 2525 2465 2526 8025
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8025, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["gateway"]
CMD ["serve"]
