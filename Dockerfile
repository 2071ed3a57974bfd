# The images of the three services, one target each. The programs are built on the host and copied in;
# scripts/images prepares the build context (bin/ holds the programs) and builds all three.

ARG BASE=debian:bookworm-slim
# The node's base may have its packages already: where no registry can be reached, both come from scripts/images.
ARG NODE_BASE=${BASE}

FROM ${BASE} AS service
# The services keep secrets in their volumes, so all of them have one user of their own, the same in every image.
RUN groupadd --system --gid 877 eucalypt \
    && useradd --system --uid 877 --gid 877 --no-create-home --home-dir /var/lib/eucalypt eucalypt \
    && install -d -o eucalypt -g eucalypt -m 0700 /etc/eucalypt/peer /var/lib/eucalypt/clc /var/lib/eucalypt/walrus
COPY healthy /usr/local/bin/healthy

# The cloud controller: 8773 is its API, 8443 its console, 8772 is for the other services.
FROM service AS clc
COPY bin/clc bin/euca /usr/local/bin/
USER eucalypt
VOLUME /var/lib/eucalypt/clc
EXPOSE 8773 8443
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["healthy", "8772"]
ENTRYPOINT ["clc"]

# Walrus: 8774 is S3, 8776 is for the other services.
FROM service AS walrus
COPY bin/walrus /usr/local/bin/
USER eucalypt
VOLUME /var/lib/eucalypt/walrus
EXPOSE 8774
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["healthy", "8776"]
ENTRYPOINT ["walrus"]

# The node: root, because it makes taps, routes and rules in the container's network namespace.
FROM ${NODE_BASE} AS node-agent
RUN command -v qemu-system-x86_64 qemu-img nft ip dnsmasq >/dev/null \
    || { apt-get update \
        && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
            qemu-system-x86 qemu-utils nftables iproute2 dnsmasq-base \
        && rm -rf /var/lib/apt/lists/*; }
RUN install -d -m 0700 /etc/eucalypt/peer /var/lib/eucalypt/node
COPY healthy /usr/local/bin/healthy
COPY bin/node-agent /usr/local/bin/
VOLUME /var/lib/eucalypt/node
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["healthy", "8775"]
ENTRYPOINT ["node-agent"]
