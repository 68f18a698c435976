//! What the references of these daemons say. A default that has changed between versions in use is
//! left out: then a rule names it with `default:`.

use crate::facts::quantity::{Kind, Special};
use crate::facts::words::Words;
use crate::formats::sets::Between;
use crate::formats::table::{Row, Table};

/// JSON, TOML: two words, whose case in a rule does not matter.
static BOOLEAN: Words = Words::of(&[&["true"], &["false"]]);
static OR_MORE: Words = Words::among_others(&[&["true"], &["false"]]);
/// YAML, as readers of 1.1 and 1.2 take it.
static YAML_BOOLEAN: Words = Words::of(&[&["true", "yes", "on"], &["false", "no", "off"]]);
static YAML_OR_MORE: Words =
    Words::among_others(&[&["true", "yes", "on"], &["false", "no", "off"]]);
const FLAG: Kind = Kind::Words(&BOOLEAN);
const YAML_FLAG: Kind = Kind::Words(&YAML_BOOLEAN);

/// `dockerd` reference, "Daemon configuration file".
pub static DOCKER: Table = Table {
    rows: &[
        Row::new("allow-nondistributable-artifacts", Kind::Text),
        Row::new("cgroup-parent", Kind::Text),
        Row::new("data-root", Kind::Text).or("/var/lib/docker"),
        Row::new("debug", FLAG).or("false"),
        Row::new("exec-root", Kind::Text).or("/var/run/docker"),
        Row::new("experimental", FLAG).or("false"),
        Row::new("group", Kind::Text).or("docker"),
        Row::new("icc", FLAG).or("true"),
        Row::new("ip", Kind::Text).or("0.0.0.0"),
        Row::new("ip-forward", FLAG).or("true"),
        Row::new("ip-masq", FLAG).or("true"),
        Row::new("iptables", FLAG).or("true"),
        Row::new("ipv6", FLAG).or("false"),
        Row::new("live-restore", FLAG).or("false"),
        Row::new("log-driver", Kind::Text).or("json-file"),
        Row::new("log-level", Kind::Words(&DOCKER_LEVEL)).or("info"),
        Row::new("log-opts.max-size", Kind::BYTES),
        Row::new("max-concurrent-downloads", Kind::Number).or("3"),
        Row::new("max-concurrent-uploads", Kind::Number).or("5"),
        Row::new("max-download-attempts", Kind::Number).or("5"),
        Row::new("no-new-privileges", FLAG).or("false"),
        Row::new("raw-logs", FLAG).or("false"),
        Row::new("selinux-enabled", FLAG).or("false"),
        Row::new("shutdown-timeout", Kind::SECONDS).or("15"),
        Row::new("tls", FLAG).or("false"),
        Row::new("tlsverify", FLAG).or("false"),
        Row::new("userland-proxy", FLAG).or("true"),
        Row::new("userns-remap", Kind::Text).or(""),
    ],
    others: Kind::Words(&OR_MORE),
    any_case: false,
};
static DOCKER_LEVEL: Words = Words {
    groups: &[&["debug"], &["info"], &["warn"], &["error"], &["fatal"]],
    any_case: false,
    others: false,
};

/// containerd-config.toml(5).
pub static CONTAINERD: Table = Table {
    rows: &[
        Row::new("debug.uid", Kind::Number).or("0"),
        Row::new("debug.gid", Kind::Number).or("0"),
        Row::new("grpc.address", Kind::Text).or("/run/containerd/containerd.sock"),
        Row::new("grpc.gid", Kind::Number).or("0"),
        Row::new("grpc.uid", Kind::Number).or("0"),
        Row::new("root", Kind::Text).or("/var/lib/containerd"),
        Row::new("state", Kind::Text).or("/run/containerd"),
    ],
    others: Kind::Words(&OR_MORE),
    any_case: false,
};

/// "Kubelet Configuration (v1beta1)".
pub static KUBELET: Table = Table {
    rows: &[
        Row::new("address", Kind::Text).or("0.0.0.0"),
        Row::new("authentication.anonymous.enabled", YAML_FLAG).or("false"),
        Row::new("authentication.webhook.cacheTTL", Kind::SECONDS).or("2m"),
        Row::new("authentication.webhook.enabled", YAML_FLAG).or("true"),
        Row::new("authentication.x509.clientCAFile", Kind::Text),
        Row::new("authorization.mode", Kind::Text).or("Webhook"),
        Row::new("authorization.webhook.cacheAuthorizedTTL", Kind::SECONDS).or("5m"),
        Row::new("authorization.webhook.cacheUnauthorizedTTL", Kind::SECONDS).or("30s"),
        Row::new("cgroupDriver", Kind::Text).or("cgroupfs"),
        Row::new("containerLogMaxFiles", Kind::Number).or("5"),
        Row::new("enableDebuggingHandlers", YAML_FLAG).or("true"),
        Row::new("failSwapOn", YAML_FLAG).or("true"),
        Row::new("healthzBindAddress", Kind::Text).or("127.0.0.1"),
        Row::new("healthzPort", Kind::Number).or("10248"),
        Row::new("makeIPTablesUtilChains", YAML_FLAG).or("true"),
        Row::new("maxPods", Kind::Number).or("110"),
        Row::new("podPidsLimit", Kind::Number).or("-1").without_limit(Special::NegativeIsNoLimit),
        Row::new("port", Kind::Number).or("10250"),
        Row::new("protectKernelDefaults", YAML_FLAG).or("false"),
        Row::new("readOnlyPort", Kind::Number).or("0"),
        Row::new("registerNode", YAML_FLAG).or("true"),
        Row::new("rotateCertificates", YAML_FLAG).or("false"),
        Row::new("seccompDefault", YAML_FLAG).or("false"),
        Row::new("serverTLSBootstrap", YAML_FLAG).or("false"),
        Row::new("streamingConnectionIdleTimeout", Kind::SECONDS)
            .or("4h")
            .without_limit(Special::ZeroIsNoLimit),
        Row::new("tlsMinVersion", Kind::Text),
    ],
    others: Kind::Words(&YAML_OR_MORE),
    any_case: false,
};

/// "Configuration options" of etcd 3.4 to 3.6.
pub static ETCD: Table = Table {
    rows: &[
        Row::new("client-transport-security.auto-tls", YAML_FLAG).or("false"),
        Row::new("client-transport-security.client-cert-auth", YAML_FLAG).or("false"),
        Row::new("election-timeout", Kind::Number).or("1000"),
        Row::new("heartbeat-interval", Kind::Number).or("100"),
        Row::new("initial-cluster-state", Kind::Text).or("new"),
        Row::new("initial-cluster-token", Kind::Text).or("etcd-cluster"),
        Row::new("listen-client-urls", Kind::Text).or("http://localhost:2379").set(Between::Comma),
        Row::new("listen-peer-urls", Kind::Text).or("http://localhost:2380").set(Between::Comma),
        Row::new("name", Kind::Text).or("default"),
        Row::new("peer-transport-security.auto-tls", YAML_FLAG).or("false"),
        Row::new("peer-transport-security.client-cert-auth", YAML_FLAG).or("false"),
        Row::new("snapshot-count", Kind::Number),
        Row::new("strict-reconfig-check", YAML_FLAG).or("true"),
    ],
    others: Kind::Words(&YAML_OR_MORE),
    any_case: false,
};

/// "Configuration File Options" of MongoDB 4.4 to 8.0.
pub static MONGOD: Table = Table {
    rows: &[
        Row::new("net.bindIp", Kind::Text).or("localhost").set(Between::Comma),
        Row::new("net.bindIpAll", YAML_FLAG).or("false"),
        Row::new("net.ipv6", YAML_FLAG).or("false"),
        Row::new("net.port", Kind::Number).or("27017"),
        Row::new("net.tls.allowConnectionsWithoutCertificates", YAML_FLAG).or("false"),
        Row::new("net.tls.allowInvalidCertificates", YAML_FLAG).or("false"),
        Row::new("net.tls.mode", Kind::Words(&TLS_MODE)).or("disabled"),
        Row::new("security.authorization", Kind::Words(&AUTHORIZATION)).or("disabled"),
        Row::new("security.javascriptEnabled", YAML_FLAG).or("true"),
        Row::new("security.redactClientLogData", YAML_FLAG).or("false"),
        Row::new("systemLog.quiet", YAML_FLAG).or("false"),
    ],
    others: Kind::Words(&YAML_OR_MORE),
    any_case: false,
};
static AUTHORIZATION: Words =
    Words { groups: &[&["enabled"], &["disabled"]], any_case: false, others: false };
static TLS_MODE: Words = Words {
    groups: &[&["disabled"], &["allowTLS"], &["preferTLS"], &["requireTLS"]],
    any_case: false,
    others: false,
};

/// "Elasticsearch reference", settings whose default is that of 7.17 and of 8.
pub static ELASTICSEARCH: Table = Table {
    rows: &[
        Row::new("bootstrap.memory_lock", YAML_FLAG).or("false"),
        Row::new("cluster.name", Kind::Text).or("elasticsearch"),
        Row::new("http.cors.enabled", YAML_FLAG).or("false"),
        Row::new("http.max_content_length", Kind::BYTES).or("100mb"),
        Row::new("http.port", Kind::Text).or("9200-9300"),
        Row::new("network.host", Kind::Text).or("_local_"),
        Row::new("node.name", Kind::Text),
        Row::new("path.repo", Kind::Text),
        Row::new("transport.port", Kind::Text).or("9300-9400"),
        Row::new("xpack.security.enabled", YAML_FLAG),
        Row::new("xpack.security.http.ssl.enabled", YAML_FLAG).or("false"),
        Row::new("xpack.security.transport.ssl.enabled", YAML_FLAG).or("false"),
        Row::new("xpack.security.audit.enabled", YAML_FLAG).or("false"),
    ],
    others: Kind::Words(&YAML_OR_MORE),
    any_case: false,
};

/// `ParseBool()` of Go with what `gopkg.in/ini.v1` takes beside.
static INI_BOOLEAN: Words =
    Words::of(&[&["true", "yes", "on", "y", "1", "t"], &["false", "no", "off", "n", "0", "f", ""]]);
static INI_OR_MORE: Words =
    Words::among_others(&[&["true", "yes", "on", "1"], &["false", "no", "off", "0"]]);
const INI_FLAG: Kind = Kind::Words(&INI_BOOLEAN);

/// `conf/defaults.ini` of Grafana 9 to 11.
pub static GRAFANA: Table = Table {
    rows: &[
        Row::new("analytics.reporting_enabled", INI_FLAG).or("true"),
        Row::new("auth.anonymous.enabled", INI_FLAG).or("false"),
        Row::new("auth.anonymous.org_role", Kind::Text).or("Viewer"),
        Row::new("auth.basic.enabled", INI_FLAG).or("true"),
        Row::new("auth.disable_login_form", INI_FLAG).or("false"),
        Row::new("security.admin_user", Kind::Text).or("admin"),
        Row::new("security.allow_embedding", INI_FLAG).or("false"),
        Row::new("security.cookie_samesite", Kind::Text).or("lax"),
        Row::new("security.cookie_secure", INI_FLAG).or("false"),
        Row::new("security.disable_initial_admin_creation", INI_FLAG).or("false"),
        Row::new("security.strict_transport_security", INI_FLAG).or("false"),
        Row::new("server.http_port", Kind::Number).or("3000"),
        Row::new("server.protocol", Kind::Text).or("http"),
        Row::new("users.allow_org_create", INI_FLAG).or("false"),
    ],
    others: Kind::Words(&INI_OR_MORE),
    any_case: true,
};
