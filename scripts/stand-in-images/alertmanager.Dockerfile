# The layout of prom/alertmanager: busybox, the binaries in /bin, user nobody, data in /alertmanager.
FROM scratch
COPY root /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN echo 'nobody:x:65534:65534:nobody:/home:/bin/false' >/etc/passwd && echo 'nobody:x:65534:' >/etc/group && \
    mkdir -p /alertmanager && mkdir -m 1777 -p /tmp && mv /etc/prometheus /etc/alertmanager && \
    chown -R 65534:65534 /etc/alertmanager /alertmanager && \
    ln -s prometheus-alertmanager /bin/alertmanager && /bin/alertmanager --version && /bin/amtool --version
WORKDIR /alertmanager
USER nobody
EXPOSE 9093
VOLUME ["/alertmanager"]
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
