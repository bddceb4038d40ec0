# The layout of prom/prometheus: busybox, the binaries in /bin, user nobody, data in /prometheus.
FROM scratch
COPY root /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN echo 'nobody:x:65534:65534:nobody:/home:/bin/false' >/etc/passwd && echo 'nobody:x:65534:' >/etc/group && \
    mkdir -p /prometheus && mkdir -m 1777 -p /tmp && chown -R 65534:65534 /etc/prometheus /prometheus && \
    /bin/prometheus --version && /bin/promtool --version
WORKDIR /prometheus
USER nobody
EXPOSE 9090
VOLUME ["/prometheus"]
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
