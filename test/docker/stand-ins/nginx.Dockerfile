# Stands in for nginx:1.26 with Debian's nginx: it reads /etc/nginx/conf.d, and its own logs go to the container's output.
FROM scratch
ADD debian.tar /
RUN apt-get update \
 && apt-get install --yes --no-install-recommends nginx-light \
 && rm /etc/nginx/sites-enabled/default \
 && ln -sf /dev/stdout /var/log/nginx/access.log \
 && ln -sf /dev/stderr /var/log/nginx/error.log
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
