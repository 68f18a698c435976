//! The measures of a postmortem, and which rules of its policy serve each.

use crate::policy::Policy;
use serde::{Deserialize, Serialize};

/// A postmortem with what its policy makes of its measures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promises {
    /// Number or key of the postmortem document; may be empty.
    pub id: String,
    /// Its title; may be empty.
    pub title: String,
    /// Its measures, in order.
    pub measures: Vec<Measure>,
}

/// One measure: a promise in words, and the rules that watch over it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// What was promised.
    pub text: String,
    /// Ids of the rules that serve it; without any it is not covered.
    pub rules: Vec<String>,
}

impl Promises {
    /// The promises behind a policy, if it comes from a postmortem.
    pub fn of(policy: &Policy) -> Option<Self> {
        let postmortem = policy.postmortem.as_ref()?;
        let measure = |(index, text): (usize, &String)| {
            let serves = |rule: &&crate::policy::Rule| rule.measures.contains(&(index + 1));
            let rules = policy.rules.iter().filter(serves).map(|rule| rule.id.clone()).collect();
            Measure { text: text.clone(), rules }
        };
        let measures = postmortem.measures.iter().enumerate().map(measure).collect();
        Some(Self { id: postmortem.id.clone(), title: postmortem.title.clone(), measures })
    }

    /// The postmortem in a few words: `PM-001: Spot's Spot web outage`.
    pub fn name(&self) -> String {
        match (self.id.as_str(), self.title.as_str()) {
            ("", "") => "the postmortem".into(),
            ("", title) => title.into(),
            (id, "") => id.into(),
            (id, title) => format!("{id}: {title}"),
        }
    }
}
