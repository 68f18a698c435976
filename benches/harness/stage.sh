# Run by unshare in fresh namespaces: a host with nginx on which nothing leaks out. Ends with the
# command given, and the namespaces with it. $$ is pid 1 here, and its `wait` buries orphans.
set -eu
ip link set lo up
mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir -m 0755 /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc ||
    { cp -a /etc/. /mnt/upper && mount --bind /mnt/upper /etc; }
for directory in /var/log /run /var/lib/nginx; do
    mount -t tmpfs -o mode=0755 tmpfs "$directory"
done
if ! getent passwd nginx >/dev/null; then
    echo 'nginx:x:899:899:nginx user:/nonexistent:/usr/sbin/nologin' >> /etc/passwd
    echo 'nginx:x:899:' >> /etc/group
fi
mkdir -p /run/nginx /var/log/nginx
touch /var/log/nginx/access.log /var/log/nginx/error.log
chown -R nginx:nginx /run/nginx /var/log/nginx /var/lib/nginx /etc/nginx
"$@"
