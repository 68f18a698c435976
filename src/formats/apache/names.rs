//! Directives of apache: which take one value, and what holds without them
//! (<https://httpd.apache.org/docs/2.4/mod/quickreference.html>).

use crate::facts::quantity::{Kind, Special};
use crate::facts::words::Words;

/// Directives of a single value, of which the last in a section wins, that a virtual host takes
/// from the main server where it has none. All in lower case.
const INHERITED: &[&str] = &[
    "acceptpathinfo",
    "accessfilename",
    "allowoverride",
    "documentroot",
    "errorlog",
    "hostnamelookups",
    "keepalive",
    "keepalivetimeout",
    "limitrequestbody",
    "limitrequestfields",
    "limitrequestfieldsize",
    "limitrequestline",
    "limitxmlrequestbody",
    "maxkeepaliverequests",
    "serveradmin",
    "serversignature",
    "sslcompression",
    "sslengine",
    "sslfips",
    "sslhonorcipherorder",
    "sslinsecurerenegotiation",
    "sslprotocol",
    "sslsessiontickets",
    "sslusestapling",
    "sslverifyclient",
    "sslverifydepth",
    "timeout",
    "traceenable",
    "usecanonicalname",
    "usecanonicalphysicalport",
];

/// The same, for directives that only the main server has or that each host has for itself.
const OWN: &[&str] = &[
    "group",
    "maxconnectionsperchild",
    "maxrequestworkers",
    "maxsparethreads",
    "minsparethreads",
    "pidfile",
    "servername",
    "serverroot",
    "servertokens",
    "startservers",
    "threadsperchild",
    "user",
];

/// What apache uses where nothing is said, in all 2.4 versions. Those of `SSL…` apply where
/// mod_ssl is loaded. Not here: what is compiled in, such as `User`.
const DEFAULTS: &[(&str, &str)] = &[
    ("fileetag", "MTime Size"),
    ("hostnamelookups", "Off"),
    ("keepalive", "On"),
    ("keepalivetimeout", "5"),
    ("limitrequestfields", "100"),
    ("limitrequestfieldsize", "8190"),
    ("limitrequestline", "8190"),
    ("maxkeepaliverequests", "100"),
    ("serversignature", "Off"),
    ("servertokens", "Full"),
    ("sslengine", "off"),
    ("sslhonorcipherorder", "off"),
    ("sslinsecurerenegotiation", "off"),
    ("sslusestapling", "off"),
    ("sslverifyclient", "none"),
    ("sslverifydepth", "1"),
    ("timeout", "60"),
    ("traceenable", "on"),
    ("usecanonicalname", "Off"),
];

/// Directives of directories: what holds where no section for a directory above says otherwise,
/// which is a violation of its own there.
const DIRECTORY_DEFAULTS: &[(&str, &str)] =
    &[("allowoverride", "None"), ("options", "FollowSymLinks")];

/// Whether the last value of this directive replaces those before it.
pub fn is_single(name: &str) -> bool {
    is_inherited(name) || OWN.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a virtual host takes this directive from the main server.
pub fn is_inherited(name: &str) -> bool {
    INHERITED.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The value in force for a path that is not set.
pub fn default(path: &str) -> Option<&'static str> {
    let (context, name) = path.rsplit_once('.').unwrap_or(("", path));
    let find = |table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    };
    let host = context.is_empty() || context.eq_ignore_ascii_case("virtualhost");
    let directory = context.rsplit('.').next().unwrap_or_default();
    match () {
        () if host => find(DEFAULTS).or_else(|| find(DIRECTORY_DEFAULTS)),
        () if directory.eq_ignore_ascii_case("directory") => find(DIRECTORY_DEFAULTS),
        () => None,
    }
}

/// Other spellings of a directive's value that mean the same.
pub fn spellings(name: &str, value: &str) -> Vec<String> {
    const WORDS: [&str; 5] =
        ["servertokens", "serversignature", "traceenable", "allowoverride", "sslverifyclient"];
    let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
    let mut also = Vec::new();
    let lower = value.to_ascii_lowercase();
    if is("servertokens") {
        // `Min`, `Prod` and so on have two spellings each.
        let word = match lower.as_str() {
            "min" | "minimal" => vec!["Min", "Minimal"],
            "major" => vec!["Major"],
            "minor" => vec!["Minor"],
            "prod" | "productonly" => vec!["Prod", "ProductOnly"],
            "os" => vec!["OS"],
            "full" => vec!["Full"],
            _ => Vec::new(),
        };
        also.extend(word.into_iter().map(str::to_owned));
    } else if matches!(lower.as_str(), "on" | "off" | "none" | "all") {
        let capital = lower.get(..1).unwrap_or_default().to_ascii_uppercase();
        also.push(format!("{capital}{}", lower.get(1..).unwrap_or_default()));
        also.push(lower);
    } else if WORDS.iter().any(|word| is(word)) {
        also.push(lower);
    } else if is("listen") || is("options") {
        also.extend(value.split(' ').next().filter(|_| is("listen")).map(str::to_owned));
        also.extend(is("options").then_some(lower));
    }
    also.sort();
    also.dedup();
    also.retain(|spelling| spelling != value);
    also
}

static FLAG: Words = Words::of(&[&["on"], &["off"]]);
static FLAG_OR_MORE: Words = Words::among_others(&[&["on"], &["off"]]);

/// Directives with words of their own, compared without regard to case.
static WORDS: &[(&str, Words)] = &[
    ("hostnamelookups", Words::of(&[&["on"], &["off"], &["double"]])),
    ("serversignature", Words::of(&[&["on"], &["off"], &["email"]])),
    (
        "servertokens",
        Words::of(&[
            &["Full"],
            &["OS"],
            &["Minimal", "Min"],
            &["Minor"],
            &["Major"],
            &["ProductOnly", "Prod"],
        ]),
    ),
    ("sslengine", Words::of(&[&["on"], &["off"], &["optional"]])),
    (
        "sslverifyclient",
        Words::of(&[
            &["none", "0"],
            &["optional", "1"],
            &["require", "2"],
            &["optional_no_ca", "3"],
        ]),
    ),
    ("traceenable", Words::of(&[&["on"], &["off"], &["extended"]])),
    ("usecanonicalname", Words::of(&[&["on"], &["off"], &["dns"]])),
];

/// Directives that are on or off alone.
const FLAGS: &[&str] = &[
    "keepalive",
    "sslcompression",
    "sslfips",
    "sslhonorcipherorder",
    "sslinsecurerenegotiation",
    "sslsessiontickets",
    "sslusestapling",
    "usecanonicalphysicalport",
];

/// What the values of a directive count.
pub fn kind(path: &str) -> Kind {
    let name = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match name.as_str() {
        "timeout" | "keepalivetimeout" | "sslsessioncachetimeout" | "gracefulshutdowntimeout" => {
            Kind::SECONDS
        }
        "limitrequestbody" | "limitrequestfieldsize" | "limitrequestline" => Kind::BYTES,
        "limitxmlrequestbody" => Kind::BYTES,
        "limitrequestfields" | "maxconnectionsperchild" | "maxkeepaliverequests" => Kind::Number,
        "maxrequestworkers" | "maxsparethreads" | "minsparethreads" | "port" => Kind::Number,
        "serverlimit" | "sslverifydepth" | "startservers" | "threadsperchild" => Kind::Number,
        "documentroot" | "group" | "servername" | "sslciphersuite" | "user" => Kind::Text,
        "allowoverride" | "options" | "sslprotocol" => Kind::AnyCase,
        name if FLAGS.contains(&name) => Kind::Words(&FLAG),
        name => match WORDS.iter().find(|(known, _)| *known == name) {
            Some((_, words)) => Kind::Words(words),
            None => Kind::Words(&FLAG_OR_MORE),
        },
    }
}

/// Directives whose 0 means no limit, or never, by the documentation of each.
pub fn special(path: &str) -> Special {
    let name = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match name.as_str() {
        "gracefulshutdowntimeout"
        | "limitrequestbody"
        | "limitrequestfields"
        | "limitxmlrequestbody"
        | "maxconnectionsperchild"
        | "maxkeepaliverequests"
        | "maxmemfree"
        | "maxrequestsperchild" => Special::ZeroIsNoLimit,
        _ => Special::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_belong_to_hosts_or_directories() {
        assert_eq!(default("ServerTokens"), Some("Full"));
        assert_eq!(default("VirtualHost.TraceEnable"), Some("on"));
        assert_eq!(default("VirtualHost.Directory.AllowOverride"), Some("None"));
        assert_eq!(default("Directory.TraceEnable"), None);
        assert_eq!(default("User"), None);
    }

    #[test]
    fn flags_are_compared_without_regard_to_case() {
        assert_eq!(spellings("TraceEnable", "OFF"), ["Off", "off"]);
        assert_eq!(spellings("ServerTokens", "prod"), ["Prod", "ProductOnly"]);
        assert_eq!(spellings("Listen", "443 https"), ["443"]);
        assert_eq!(spellings("DocumentRoot", "/A"), Vec::<String>::new());
    }
}
