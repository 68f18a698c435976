//! `same_as`: a value that is a fact of another subject.
//!
//! `{ same_as: service.nginx.user }` stands where a literal value would. What it refers to is looked
//! up when the rule is evaluated and must be one value: nothing there (no process, a setting that is
//! not set) and several that differ (a root master and other workers) are unknown, since neither
//! says what the value should be. What of a subject can be referred to stands in its own table.

use super::{Scope, Subjects};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::Node;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// How `same_as` refers to facts of a subject.
pub struct Refers {
    /// An example of it.
    pub form: &'static str,
    /// Which facts those are, for the reference.
    pub facts: &'static str,
    /// Reads what stands behind the subject's key.
    pub read: fn(&Written) -> Result<Lookup, Diagnostic>,
}

/// A reference as written, while it is read.
pub struct Written<'a> {
    /// What stands behind the key of the subject: `nginx.user`.
    pub rest: &'a str,
    /// What is known beside the rule.
    pub scope: &'a Scope<'a>,
    kind: &'a str,
    node: &'a Node,
}

/// The values that a reference stands for.
type Find = dyn Fn(&dyn Target) -> Fact<BTreeSet<String>> + Send + Sync;

/// How what is referred to is found on a target.
#[derive(Clone)]
pub struct Lookup {
    find: Arc<Find>,
    /// The setting that it is the value of, where it is one.
    setting: Option<String>,
}

impl Lookup {
    /// Of facts that anybody may know.
    pub fn new(
        find: impl Fn(&dyn Target) -> Fact<BTreeSet<String>> + Send + Sync + 'static,
    ) -> Self {
        Self { find: Arc::new(find), setting: None }
    }

    /// Of a setting, whose name says whether its value is a secret.
    pub fn setting(
        name: &str,
        find: impl Fn(&dyn Target) -> Fact<BTreeSet<String>> + Send + Sync + 'static,
    ) -> Self {
        Self { find: Arc::new(find), setting: Some(name.to_owned()) }
    }
}

/// What can be referred to, in the order of the reference: an example, and which facts.
pub fn forms(subjects: Subjects) -> Vec<(&'static str, &'static str)> {
    let all = subjects.iter().filter_map(|kind| kind.refers.as_ref());
    all.map(|refers| (refers.form, refers.facts)).collect()
}

/// A fact of another subject.
#[derive(Clone)]
pub struct Reference {
    /// As written.
    text: String,
    lookup: Lookup,
}

impl Reference {
    /// Reads what stands behind `same_as:`.
    pub fn parse(node: &Node, scope: &Scope) -> Result<Self, Diagnostic> {
        let text = node.text("a reference such as service.nginx.user")?;
        let none = |message: &str| wrong(node, scope, message);
        let (kind, rest) = text.split_once('.').ok_or_else(|| none("not a reference"))?;
        let subject = scope.subjects.iter().find(|subject| subject.key == kind);
        let refers = subject
            .and_then(|subject| subject.refers.as_ref())
            .ok_or_else(|| none("not a subject that can be referred to"))?;
        let lookup = (refers.read)(&Written { rest, scope, kind, node })?;
        Ok(Self { text: text.to_owned(), lookup })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the value that it stands for must not be shown.
    pub fn is_secret(&self) -> bool {
        self.lookup.setting.as_deref().is_some_and(crate::text::secrets::is_secret_setting)
    }

    /// The one value that it stands for.
    ///
    /// # Errors
    /// When it cannot be seen, when there is none, and when there are several.
    pub fn resolve(&self, target: &dyn Target) -> Fact<String> {
        let mut values = (self.lookup.find)(target)?.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(self.unknown("there is nothing to compare with".into())),
            (Some(_), Some(_)) if self.is_secret() => {
                Err(self.unknown("is not one value, but several".into()))
            }
            (Some(one), Some(two)) => {
                let more = if values.next().is_some() { " and others" } else { "" };
                Err(self.unknown(format!("is not one value, but {one}, {two}{more}")))
            }
        }
    }

    fn unknown(&self, why: String) -> Unknown {
        Unknown::new(self.text.clone(), Cause::Unsupported(why))
    }
}

impl<'a> Written<'a> {
    /// That it is not a reference, with those that there are.
    pub fn wrong(&self, message: &str) -> Diagnostic {
        wrong(self.node, self.scope, message)
    }

    /// An error at its place.
    pub fn error(&self, message: String) -> Diagnostic {
        Diagnostic::at(&self.node.span, message)
    }

    /// What stands before the last dot, and the property behind it.
    pub fn name_and_property(&self) -> Result<(&'a str, &'a str), Diagnostic> {
        self.rest.rsplit_once('.').ok_or_else(|| self.wrong("a reference without a property"))
    }

    /// The property of that name, if the subject has it.
    pub fn property(&self, name: &str, known: &[&'static str]) -> Result<&'static str, Diagnostic> {
        known.iter().copied().find(|word| *word == name).ok_or_else(|| {
            self.error(format!("a {} has no `{name}` to compare with", self.kind))
                .suggest(name, known.iter().copied())
        })
    }

    /// A path of a file.
    pub fn path(&self, text: &str) -> Result<PathBuf, Diagnostic> {
        match text.starts_with('/') {
            true => Ok(PathBuf::from(text)),
            false => Err(self.wrong("a reference to a file takes an absolute path")),
        }
    }
}

fn wrong(node: &Node, scope: &Scope, message: &str) -> Diagnostic {
    let forms: Vec<&str> = forms(scope.subjects).iter().map(|(form, _)| *form).collect();
    Diagnostic::at(&node.span, message).help(format!("such as {}", forms.join(", ")))
}
