//! Where the path of a setting leads: every block that it is about, and what is said there.
//!
//! `http.server.listen`: the last word names the setting, those before it the blocks. A name that
//! contains dots is found as it stands, or in double quotes where that is not clear
//! (`"net.ipv4.ip_forward"`). `*` is every name. A block among several of its name is chosen by its
//! label: `location["/admin"]`, `Match["Group sftp"]`, `program["web"]`; in a document by its
//! `name`, in nginx a server by its `server_name`.

mod inner;
mod path;

use super::settings::{Block, Inner, Location, Lookup, Setting, Settings};
use path::{Word, split};

pub use path::without_labels;

/// Settings that tell a block among others of its name.
const LABELS: [&str; 4] = ["name", "server_name", "id", "host"];

/// The deepest path.
const DEPTH: usize = 64;

/// One block that a path is about, and what it says of the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Where the block begins.
    pub at: &'a Location,
    /// Values, in their order.
    pub values: Vec<&'a Setting>,
    /// Blocks of the setting's name.
    pub blocks: Vec<&'a Block>,
    /// The block on the way that is not there.
    pub missing: Option<String>,
}

impl<'a> Place<'a> {
    fn is_found(&self) -> bool {
        !self.values.is_empty() || !self.blocks.is_empty()
    }
}

impl Settings {
    /// Every block that a path is about. Where settings are said anew further in, those blocks are
    /// among them: `autoindex` of a `location` for the question about its `server`.
    pub fn places<'a>(&'a self, path: &str) -> Vec<Place<'a>> {
        let words = split(path);
        let mut found = self.descend(&self.root, &words, &[], 0);
        // A section for a directory may stand within a virtual host.
        let first = words.first().map(|word| word.name.as_str()).unwrap_or_default();
        if self.inner == Inner::Apache && words.len() > 1 && !self.same_name(first, "VirtualHost") {
            let hosts = self.root.blocks.iter().filter(|b| self.same_name(&b.name, "VirtualHost"));
            let inner = hosts.flat_map(|host| self.descend(host, &words, &[], 1));
            let inner: Vec<Place> = inner.filter(|place| place.missing.is_none()).collect();
            if !inner.is_empty() {
                found.retain(|place| place.missing.is_none());
            }
            found.extend(inner);
        }
        found
    }

    /// All answers for a path, one for each value, and one for each block that has none.
    pub fn lookup<'a>(&'a self, path: &str) -> Vec<Lookup<'a>> {
        let mut found = Vec::new();
        for place in self.places(path) {
            match place.values.is_empty() {
                true => found.push(Lookup::NotSet(place.at)),
                false => found.extend(place.values.into_iter().map(Lookup::Set)),
            }
        }
        found
    }

    fn descend<'a>(
        &'a self,
        block: &'a Block,
        words: &[Word],
        inherited: &[&'a Setting],
        depth: usize,
    ) -> Vec<Place<'a>> {
        let nowhere = |word: &Word| Place {
            at: &block.at,
            values: Vec::new(),
            blocks: Vec::new(),
            missing: Some(word.name.clone()),
        };
        let Some((first, rest)) = words.split_first() else { return Vec::new() };
        if depth > DEPTH {
            return vec![nowhere(first)];
        }
        // Elements of a document that is a list.
        let elements: Vec<&Block> = block.blocks.iter().filter(|b| b.name.is_empty()).collect();
        if !elements.is_empty() && !first.name.is_empty() {
            let each = |element: &&'a Block| self.descend(element, words, inherited, depth + 1);
            return elements.iter().flat_map(each).collect();
        }
        let mut best: Option<Vec<Place>> = None;
        let mut name = String::new();
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                name.push('.');
            }
            name.push_str(&word.name);
            let after = words.get(index + 1..).unwrap_or_default();
            let places = match after.split_last() {
                None => vec![self.ask(block, &name, word.label.as_deref(), inherited)],
                Some((last, _)) => {
                    let own = self.own(block, &last.name);
                    let passed = if own.is_empty() && self.inherits { inherited } else { &own };
                    let inner = block.blocks.iter().filter(|b| self.is_meant(b, &name, word));
                    let each = |inner| self.descend(inner, after, passed, depth + 1);
                    inner.flat_map(each).collect()
                }
            };
            let is_found = places.iter().any(Place::is_found);
            match (&best, places.is_empty()) {
                (_, true) => {}
                (None, false) => best = Some(places),
                // As it is written comes first; a name with dots where that leads to nothing.
                (Some(before), false) if is_found && !before.iter().any(Place::is_found) => {
                    best = Some(places);
                }
                (Some(_), false) => {}
            }
            if best.as_ref().is_some_and(|places| places.iter().any(Place::is_found)) {
                break;
            }
        }
        let mut best = match best {
            // Only the joined name was asked, and it is not there: the block is what is missing.
            Some(places) if places.iter().any(Place::is_found) || rest.is_empty() => places,
            Some(places)
                if places.iter().all(|place| std::ptr::eq(place.at, &raw const block.at)) =>
            {
                vec![nowhere(first)]
            }
            Some(places) => places,
            None => vec![nowhere(first)],
        };
        if rest.is_empty() {
            self.said_anew(block, &first.name, &mut best);
        }
        best
    }

    /// What one block says of a setting.
    fn ask<'a>(
        &'a self,
        block: &'a Block,
        name: &str,
        label: Option<&str>,
        inherited: &[&'a Setting],
    ) -> Place<'a> {
        let own = self.own(block, name);
        let values = if own.is_empty() && self.inherits { inherited.to_vec() } else { own };
        let word = Word { name: name.to_owned(), label: label.map(str::to_owned) };
        // The parts of a `listen` are a block of this reader, not of the file.
        let parts = self.inner != Inner::None && name.eq_ignore_ascii_case("listen");
        let meant = |b: &&Block| !parts && self.is_meant(b, name, &word);
        let blocks = block.blocks.iter().filter(meant).collect();
        Place { at: &block.at, values, blocks, missing: None }
    }

    pub(super) fn own<'a>(&self, block: &'a Block, name: &str) -> Vec<&'a Setting> {
        let any = name == "*";
        block.settings.iter().filter(|s| any || self.same_name(&s.name, name)).collect()
    }

    /// Whether a block is the one, or one of those, that a word names.
    fn is_meant(&self, block: &Block, name: &str, word: &Word) -> bool {
        // `program:web` of supervisord, `remote.origin` of git.
        let whole = || {
            let (kind, label) = name.split_once([':', '.'])?;
            let label = label.trim();
            let same = self.same_name(&block.name, kind.trim()) && block.label.trim() == label;
            Some(same && !label.is_empty())
        };
        if name != "*" && !self.same_name(&block.name, name) {
            return whole() == Some(true);
        }
        let Some(wanted) = word.label.as_deref().map(str::trim) else { return true };
        let label = block.label.trim();
        let last = label.rsplit(' ').next().unwrap_or_default();
        let slash = |text: &str| text.trim_end_matches('/') == wanted.trim_end_matches('/');
        label == wanted
            || !label.is_empty() && (last == wanted || wanted.len() > 1 && slash(label))
            || block.settings.iter().any(|setting| {
                LABELS.iter().any(|name| self.same_name(&setting.name, name))
                    && (setting.value == wanted || setting.value.split(' ').any(|w| w == wanted))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn setting(name: &str, value: &str, line: u32) -> Setting {
        let at = Location { file: "/f".into(), line };
        Setting { name: name.into(), value: value.into(), also: Vec::new(), at }
    }

    fn block(name: &str, label: &str, line: u32, settings: Vec<Setting>) -> Block {
        let mut block = Block::new(name, label, Location { file: "/f".into(), line });
        block.settings = settings;
        block
    }

    fn with(blocks: Vec<Block>) -> Settings {
        let mut root = Block::root(Path::new("/f"));
        root.blocks = blocks;
        Settings { root, ..Settings::default() }
    }

    fn told(settings: &Settings, path: &str) -> Vec<String> {
        let show = |place: Place| match (&place.missing, place.values.is_empty()) {
            (Some(name), _) => format!("no {name} at {}", place.at.line),
            (None, true) => format!("{} blocks at {}", place.blocks.len(), place.at.line),
            (None, false) => {
                place.values.iter().map(|s| s.value.as_str()).collect::<Vec<_>>().join("+")
            }
        };
        settings.places(path).into_iter().map(show).collect()
    }

    #[test]
    fn elements_without_the_inner_block_are_places_too() {
        let mut one = block("containers", "", 1, vec![setting("name", "one", 2)]);
        one.blocks.push(block("securityContext", "", 3, vec![setting("root", "no", 4)]));
        let two = block("containers", "", 5, vec![setting("name", "two", 6)]);
        let settings = with(vec![one, two]);
        let path = "containers.securityContext.root";
        assert_eq!(told(&settings, path), ["no", "no securityContext at 5"]);
        assert_eq!(told(&settings, "containers[two].name"), ["two"]);
        assert_eq!(told(&settings, "containers[three].name"), ["no containers at 0"]);
        assert_eq!(
            told(&settings, "containers.securityContext"),
            ["1 blocks at 1", "0 blocks at 5"]
        );
        assert_eq!(told(&settings, "*.name"), ["one", "two"]);
    }

    #[test]
    fn names_with_dots_are_found_as_they_are_written() {
        let section = block("auth.anonymous", "", 1, vec![setting("a.b", "yes", 2)]);
        let settings = with(vec![block("auth", "", 9, Vec::new()), section]);
        for path in ["auth.anonymous.a.b", "\"auth.anonymous\".\"a.b\"", "\"auth.anonymous\".a.b"] {
            assert_eq!(told(&settings, path), ["yes"], "{path}");
        }
        assert_eq!(told(&settings, "auth.other.a"), ["no other at 9"]);
    }

    #[test]
    fn a_label_chooses_a_block() {
        let settings = with(vec![
            block("location", "/", 1, vec![setting("a", "1", 2)]),
            block("location", "= /admin.php", 3, vec![setting("a", "2", 4)]),
            block("program", "web", 5, vec![setting("user", "x", 6)]),
        ]);
        assert_eq!(told(&settings, "location[\"/admin.php\"].a"), ["2"]);
        assert_eq!(told(&settings, "location[/].a"), ["1"]);
        assert_eq!(told(&settings, "program:web.user"), ["x"]);
        assert_eq!(without_labels("location[\"/admin.php\"].\"a.b\""), "location.\"a.b\"");
    }
}
