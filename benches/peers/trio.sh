#!/bin/sh
# The trio as one would write it by hand.
bad=0
users=$(ps -C nginx -o ruser= -o euser=)
case " $users " in
    "  ") echo "nginx does not run"; bad=1 ;;
    *root*) echo "nginx runs as root"; bad=1 ;;
esac
if [ "$(stat -c '%U:%G %a' /etc/nginx/nginx.conf)" != "nginx:nginx 640" ]; then
    echo "nginx.conf has the wrong owner or mode"; bad=1
fi
holder=$(ss -H -ltnp | awk '$4 ~ /:8080$/')
case $holder in
    *'"nginx"'*) ;;
    *) echo "port 8080 is not bound by nginx"; bad=1 ;;
esac
exit $bad
