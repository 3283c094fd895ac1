# Stands in for redis:7.4 with Debian's Redis: the same user, directory and volume.
FROM scratch
ADD debian.tar /
RUN groupadd --system --gid 999 redis \
 && useradd --system --uid 999 --gid redis redis \
 && apt-get update \
 && apt-get install --yes --no-install-recommends redis-server \
 && install -d -o redis -g redis /data
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /data
VOLUME ["/data"]
EXPOSE 6379
CMD ["redis-server"]
