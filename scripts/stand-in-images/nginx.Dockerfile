# The layout of nginx: busybox, the binary in /usr/sbin, user nginx, the configuration in /etc/nginx/nginx.conf.
FROM scratch
COPY root /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\nnginx:x:101:101:nginx:/:/bin/false\n' >/etc/passwd && \
    printf 'root:x:0:\nnogroup:x:65534:\nnginx:x:101:\n' >/etc/group && \
    mkdir -p /var/log/nginx /var/lib/nginx /run /var/cache/nginx && mkdir -m 1777 -p /tmp && \
    ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log && /usr/sbin/nginx -V
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["/usr/sbin/nginx", "-g", "daemon off;"]
