//! What a rule speaks of, so that violations that belong together can be told together.
//!
//! A service that does not run, its port in other hands and a configuration that it cannot read are
//! three findings of three rules and one story. What ties them is said in the policy: the port is to
//! be bound by the service, the file is to be readable by the user as whom the service runs.

use super::document::{Policy, Rule};
use super::node::{Node, Value};
use super::service::Service;

/// Most ties that are kept of one rule.
const MOST: usize = 32;

/// The services, files and ports that a rule is about, as `service nginx`, `file /etc/nginx/nginx.conf`,
/// `port 8080/tcp`: the subject, services that its conditions name, and services whose user they name.
pub fn of(policy: &Policy, rule: &Rule) -> Vec<String> {
    let mut ties = Vec::new();
    for (key, node) in rule.fields.rest() {
        match key.text.as_str() {
            "service" | "process" => texts(node, &mut |name| ties.push(format!("service {name}"))),
            "file" | "files" | "config" => {
                texts(node, &mut |path| ties.push(format!("file {path}")));
            }
            "port" => texts(node, &mut |port| ties.push(format!("port {port}"))),
            "unit" => texts(node, &mut |unit| {
                let is_its = |service: &&Service| service.unit.as_deref() == Some(unit);
                ties.extend(policy.services.values().find(is_its).map(tie));
            }),
            _ => {}
        }
    }
    if let Some(must) = &rule.must {
        texts(must, &mut |text| {
            let is_meant = |service: &&Service| service.name == text || runs_as(service, text);
            ties.extend(policy.services.values().filter(is_meant).map(tie));
        });
    }
    if ties.len() > 1 {
        let mut seen = std::collections::BTreeSet::new();
        ties.retain(|tie| seen.insert(tie.clone()));
    }
    ties.truncate(MOST);
    ties
}

fn tie(service: &Service) -> String {
    format!("service {}", service.name)
}

/// Whether a service is meant to run as this user. Half of a host is about root, which ties nothing.
fn runs_as(service: &Service, user: &str) -> bool {
    user != "root" && service.user.as_ref().is_some_and(|own| own.to_string() == user)
}

/// All texts in a value, however deep.
fn texts(node: &Node, say: &mut dyn FnMut(&str)) {
    match &node.value {
        Value::Scalar(scalar) if !scalar.is_null() => say(&scalar.text),
        Value::Scalar(_) => {}
        Value::List(items) => items.iter().for_each(|item| texts(item, say)),
        Value::Map(entries) => entries.iter().for_each(|(_, item)| texts(item, say)),
    }
}
