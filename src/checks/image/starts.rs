//! Whether the container starts at all.

use super::ImageView;
use crate::declared::startable::{nothing_declared, obstacle};
use crate::facts::Fact;
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::node::Node;
use crate::rules::condition::{Test, only_true};
use crate::text::secrets::shown;
use crate::verdict::Assertion;

const EXPECTED: &str = "the container starts";

/// `starts`: with the libraries of the program.
pub fn read(node: &Node, problems: &mut Diagnostics) -> Option<Test<ImageView>> {
    only_true(node, problems)?;
    Some(Box::new(|view, target| match nobody(view) {
        Some(told) => told,
        None if declares_nothing(view) => told(view, String::new(), Err(nothing_declared())),
        None => by_command(view, true, target),
    }))
}

/// The same for rules that ask for something else: a container that does not start satisfies none.
/// `command`: some rule is about what is started.
pub fn judge(view: &ImageView, command: bool, target: &dyn Target) -> Option<Assertion> {
    let nobody = nobody(view);
    if nobody.is_some() || !command || view.user.is_err() {
        return nobody;
    }
    Some(by_command(view, false, target))
}

/// That there is no such user.
fn nobody(view: &ImageView) -> Option<Assertion> {
    let Ok(Err(why)) = &view.user else { return None };
    let part = format!("User: {}", view.config.user);
    Some(
        view.about("starts", part)
            .seen(view.step("USER"))
            .expected(EXPECTED)
            .observed(format!("it does not: {why}"))
            .fail(),
    )
}

fn declares_nothing(view: &ImageView) -> bool {
    view.config.entrypoint.is_empty() && view.config.cmd.is_empty()
}

fn by_command(view: &ImageView, loads: bool, target: &dyn Target) -> Assertion {
    let command: Vec<&str> =
        view.config.entrypoint.iter().chain(&view.config.cmd).map(String::as_str).collect();
    let part = shown(&format!("command: {}", command.join(" ")));
    let found = match &view.user {
        Ok(Ok(user)) => obstacle(&view.config, user, loads, target),
        Ok(Err(why)) => Ok(Some(why.clone())),
        Err(why) => Err(why.clone()),
    };
    told(view, part, found)
}

fn told(view: &ImageView, part: String, found: Fact<Option<String>>) -> Assertion {
    let about = view
        .about("starts", part)
        .seen(view.step("ENTRYPOINT").or_else(|| view.step("CMD")))
        .expected(EXPECTED);
    match found {
        Ok(None) => about.observed("nothing is in its way").pass(),
        Ok(Some(why)) => about.observed(format!("it does not: {why}")).fail(),
        Err(why) => about.observed("cannot be told").unknown(why),
    }
}
