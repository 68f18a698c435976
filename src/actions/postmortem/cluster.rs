//! Which items belong together: those whose rules speak of the same service, file or port.

use crate::actions::export::Whole;
use crate::actions::items::item::ItemId;
use std::collections::{BTreeMap, BTreeSet};

/// Items that belong together, and what ties them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The items, in the order of their numbers.
    pub items: BTreeSet<ItemId>,
    /// What more than one rule of theirs speaks of, and these rules: `service nginx`.
    pub ties: BTreeMap<String, BTreeSet<String>>,
    /// All that their rules speak of.
    pub subjects: BTreeSet<String>,
}

impl Cluster {
    /// Whether it is about a service, by its name or by the name of its unit.
    pub fn is_about(&self, service: &str) -> bool {
        let unit = format!("unit {}.service", service.trim_end_matches(".service"));
        self.subjects.contains(&format!("service {service}")) || self.subjects.contains(&unit)
    }

    /// The services that it is about.
    pub fn services(&self) -> Vec<&str> {
        self.subjects.iter().filter_map(|subject| subject.strip_prefix("service ")).collect()
    }

    /// What to call it: its service, else what its first item is about.
    pub fn name(&self) -> String {
        match self.services().as_slice() {
            [] => self.subjects.iter().next().cloned().unwrap_or_default(),
            services => services.join(", "),
        }
    }
}

/// The clusters of items, those with the first numbers first.
pub fn of(items: &[Whole]) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    for whole in items {
        let rule = &whole.item.key.rule;
        let subjects = subjects(whole);
        let ties = subjects.iter().map(|subject| (subject.clone(), BTreeSet::from([rule.clone()])));
        let mut merged = Cluster {
            items: BTreeSet::from([whole.item.id]),
            ties: ties.collect(),
            subjects: subjects.clone(),
        };
        let (same, others): (Vec<Cluster>, Vec<Cluster>) =
            clusters.into_iter().partition(|cluster| !cluster.subjects.is_disjoint(&subjects));
        for cluster in same {
            merged.items.extend(cluster.items);
            merged.subjects.extend(cluster.subjects);
            for (tie, rules) in cluster.ties {
                merged.ties.entry(tie).or_default().extend(rules);
            }
        }
        clusters = others;
        clusters.push(merged);
    }
    for cluster in &mut clusters {
        cluster.ties.retain(|_, rules| rules.len() > 1);
    }
    clusters.sort_by_key(|cluster| cluster.items.first().copied());
    clusters
}

fn subjects(whole: &Whole) -> BTreeSet<String> {
    let thing = &whole.item.key.thing;
    // A setting is looked for in a file: both are called after that.
    let own = match thing.kind.as_str() {
        "config" => format!("file {}", thing.name),
        _ => thing.to_string(),
    };
    let affected = whole.occurrences.iter().map(|one| one.affected.to_string()).take(1);
    whole.item.texts.ties.iter().cloned().chain([own]).chain(affected).collect()
}
