//! Daemons whose configuration is a document of a common format, with what they make of it: the
//! documents are read as any JSON, YAML, TOML or ini file, and each owner has a table of its settings.
//! What a flag of the command line says instead stands in no file.

mod tables;

use super::table::Table;
use super::{Format, ini, json, toml, yaml};
use crate::facts::Fact;
use crate::facts::settings::Settings;
use crate::host::Files;
use std::path::Path;
use tables as t;

/// The Docker daemon.
pub const DOCKER: Format = Format {
    name: "docker",
    doc: "daemon.json of dockerd: JSON, with the defaults of its reference.",
    recognises: |path| path.file_name().is_some_and(|name| name == "daemon.json"),
    parse: json::parse,
    ..owner(&t::DOCKER)
};

/// containerd.
pub const CONTAINERD: Format = Format {
    name: "containerd",
    doc: "config.toml of containerd: TOML; names of plugins are put in double quotes.",
    recognises: |path| path.ends_with("containerd/config.toml"),
    parse: toml::parse,
    ..owner(&t::CONTAINERD)
};

/// The kubelet.
pub const KUBELET: Format = Format {
    name: "kubelet",
    doc: "KubeletConfiguration: YAML, with the defaults of v1beta1 for a configuration file.",
    recognises: |path| {
        path.ends_with("kubelet/config.yaml")
            || path.ends_with("kubelet/kubelet-config.yaml")
            || path.ends_with("kubelet/kubeconfig.yaml")
    },
    parse: yaml::parse,
    ..owner(&t::KUBELET)
};

/// etcd.
pub const ETCD: Format = Format {
    name: "etcd",
    doc: "The configuration file of etcd: YAML, names as its flags, with their defaults.",
    recognises: |path| {
        path.extension().is_some_and(|e| e == "yml" || e == "yaml")
            && path.file_stem().is_some_and(|stem| stem == "etcd.conf" || stem == "etcd")
    },
    parse: yaml::parse,
    ..owner(&t::ETCD)
};

/// The MongoDB server.
pub const MONGOD: Format = Format {
    name: "mongod",
    doc: "mongod.conf: YAML, `security.authorization`; dotted names are the same.",
    recognises: |path| path.file_name().is_some_and(|name| name == "mongod.conf"),
    parse: yaml::parse,
    ..owner(&t::MONGOD)
};

/// Elasticsearch.
pub const ELASTICSEARCH: Format = Format {
    name: "elasticsearch",
    doc: "elasticsearch.yml: YAML; `a.b: x` and `a: { b: x }` are the same.",
    recognises: |path| path.file_name().is_some_and(|name| name == "elasticsearch.yml"),
    parse: yaml::parse,
    ..owner(&t::ELASTICSEARCH)
};

/// Grafana.
pub const GRAFANA: Format = Format {
    name: "grafana",
    doc: "grafana.ini: sections, `;` and `#` begin comments; the last value wins; sections with dots \
          as they are written (`auth.anonymous.enabled`).",
    recognises: |path| {
        path.file_name().is_some_and(|name| name == "grafana.ini")
            || path.ends_with("grafana/conf/custom.ini")
    },
    parse: last_of_ini,
    ..owner(&t::GRAFANA)
};

const fn owner(table: &'static Table) -> Format {
    Format { table: Some(table), ..Format::PLAIN }
}

/// Sections whose last value of a name holds: `gopkg.in/ini.v1`.
fn last_of_ini(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut settings = ini::generic(files, path, content)?;
    for block in &mut settings.root.blocks {
        let said = std::mem::take(&mut block.settings);
        block.settings = super::last::in_force(said, |setting| Some(setting.name.to_lowercase()));
    }
    Ok(settings)
}
