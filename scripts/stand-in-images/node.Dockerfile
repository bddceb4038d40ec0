# The layout of node:*-slim: Debian, Node and npm in /usr/local, user node.
FROM scratch
COPY root /
# Certificates that this machine trusts besides the public ones; empty when there are none.
ARG EXTRA_CA_CERTS=""
ARG NODE_VERSION
ARG NPM_VERSION
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    NODE_VERSION=${NODE_VERSION} \
    NODE_EXTRA_CA_CERTS=${EXTRA_CA_CERTS}
RUN cp /usr/share/base-passwd/passwd.master /etc/passwd && cp /usr/share/base-passwd/group.master /etc/group && \
    echo 'node:x:1000:1000::/home/node:/bin/sh' >>/etc/passwd && echo 'node:x:1000:' >>/etc/group && \
    mkdir -p /root /home/node && chown 1000:1000 /home/node && mkdir -m 1777 -p /tmp && \
    ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && \
    ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx && \
    test "$(node --version)" = "v$NODE_VERSION" && test "$(npm --version)" = "$NPM_VERSION"
CMD ["node"]
