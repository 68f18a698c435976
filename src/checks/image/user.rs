//! As whom an image runs: `never_root`, `user`, `numeric_user`.

use super::ImageView;
use crate::declared::entrypoint::{shown, words};
use crate::declared::user::Resolved;
use crate::facts::Fact;
use crate::policy::Diagnostics;
use crate::policy::expect::Expect;
use crate::policy::node::Node;
use crate::policy::operand::Principal;
use crate::rules::condition::{Test, only_true};
use crate::rules::identity::{missing_user, user_is};
use crate::verdict::Assertion;

/// `never_root`: neither the declared user nor the bits of the program make it uid 0.
pub fn never_root(node: &Node, problems: &mut Diagnostics) -> Option<Test<ImageView>> {
    only_true(node, problems)?;
    Some(Box::new(|view, _| {
        let mut assertion = user(view, "never_root").expected("a uid other than 0");
        if let Ok(Some(words)) = &view.becomes_root {
            assertion.observed = format!("{}; {words}", assertion.observed);
        }
        decide(view, assertion, |resolved| match &view.becomes_root {
            _ if resolved.uid == 0 => Ok(false),
            Ok(words) => Ok(words.is_none()),
            Err(why) => Err(why.clone()),
        })
        .repair("add USER with a uid other than 0 at the end of the Dockerfile")
    }))
}

/// `user`.
pub fn is(node: &Node, problems: &mut Diagnostics) -> Option<Test<ImageView>> {
    let wanted = problems.ok(Expect::<Principal>::parse(node))?;
    Some(Box::new(move |view, target| {
        let mut assertion = user(view, "user").expected(wanted.show());
        if let Some(name) = missing_user(target, &wanted) {
            let observed = &assertion.observed;
            assertion.observed = format!("{observed}; there is no user {name} here");
        }
        decide(view, assertion, |resolved| user_is(target, &wanted, resolved.uid))
    }))
}

/// `numeric_user`.
pub fn numeric(node: &Node, problems: &mut Diagnostics) -> Option<Test<ImageView>> {
    only_true(node, problems)?;
    Some(Box::new(|view, _| {
        let given = !view.config.user.is_empty();
        let assertion = user(view, "numeric_user").expected("a user given as a number");
        decide(view, assertion, |resolved| Ok(given && resolved.numeric))
    }))
}

/// An assertion about the user, its observation in place.
fn user(view: &ImageView, condition: &str) -> Assertion {
    let given = shown(&view.config.user);
    let observed = match &view.user {
        Ok(Ok(user)) if user.numeric || user.uid == 0 => {
            format!("declared {given}: {}", words(user))
        }
        Ok(Ok(user)) => format!(
            "declared {given}: {}; by name, so Kubernetes' runAsNonRoot cannot verify it",
            words(user)
        ),
        Ok(Err(why)) => format!("declared {given}: the container does not start, {why}"),
        Err(_) => format!("declared {given}"),
    };
    view.about(condition, format!("User: {given}")).seen(view.step("USER")).observed(observed)
}

/// A user that does not resolve violates every demand.
fn decide(
    view: &ImageView,
    assertion: Assertion,
    holds: impl Fn(&Resolved) -> Fact<bool>,
) -> Assertion {
    match &view.user {
        Ok(Ok(user)) => assertion.decide(holds(user)),
        Ok(Err(_)) => assertion.fail(),
        Err(why) => assertion.unknown(why.clone()),
    }
}
