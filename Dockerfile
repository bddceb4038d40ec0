ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# The base image is the runtime, so the npm package that brings Node to developers is left to its script.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# What only editors and debuggers read is half of the dependencies.
RUN node_modules/.bin/tsc -p tsconfig.build.json && npm prune --omit=dev --ignore-scripts \
  && node -e "for (const file of fs.globSync('node_modules/**/*.{d.ts,d.mts,d.cts,map}')) fs.rmSync(file)"

FROM ${NODE_IMAGE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="nexus-mcp" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production \
    NEXUS_REVISION=${REVISION} \
    NEXUS_SERVER_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
# Numeric, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 9999
# No shell, no curl: Node itself asks. Kubernetes has probes of its own; who changes the ports must change this too.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9999/livez').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node as process 1 gets the signals itself, and the server stops on SIGTERM.
ENTRYPOINT ["node", "dist/main.js"]
