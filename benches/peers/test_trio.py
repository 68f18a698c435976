"""The trio for testinfra, which has no word for the holder of a port: that one asks ss."""


def test_nginx_does_not_run_as_root(host):
    processes = host.process.filter(comm="nginx")
    assert processes
    assert all(process.user == "nginx" for process in processes)


def test_nginx_conf_has_its_owner_and_mode(host):
    file = host.file("/etc/nginx/nginx.conf")
    assert (file.user, file.group, file.mode) == ("nginx", "nginx", 0o640)


def test_the_port_is_bound_by_nginx(host):
    assert host.socket("tcp://0.0.0.0:8080").is_listening
    assert '"nginx"' in host.check_output("ss -H -ltnp 'sport = :8080'")
