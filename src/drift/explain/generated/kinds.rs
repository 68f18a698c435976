//! The list: what files programs make from others, and how each kind is shown to be that.
//!
//! What the kernel or the boot loader executes (an initial ramdisk, `grub.cfg`) is generated too and
//! not in the list: nobody could tell a good one from a bad one. Neither is what packages bring
//! themselves: their digests tell.

/// How the content of a generated file is judged, beside that its inputs have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// An index of data: nothing in it is executed or loaded.
    Index,
    /// It has to be empty.
    Empty,
    /// It has to be the text of a UUID.
    Uuid,
    /// The cache of `ld.so(8)`.
    Linker,
    /// Libraries, each in quotes and by its whole path or beside the cache.
    Loaders,
    /// Libraries beside the cache, `name.so: what it is for`.
    Modules,
    /// The lists of `depmod(8)`: paths of modules below the directory.
    Depmod,
    /// Names of `.desktop` files beside it.
    Desktop,
    /// Entries of files of packages, `mailcap(5)`.
    Mailcap,
    /// XML or SGML catalogs: files in these directories.
    Catalog,
}

/// One kind of generated file.
pub(super) struct Kind {
    /// Patterns of paths.
    pub paths: &'static [&'static str],
    /// What makes them, for people.
    pub by: &'static str,
    /// The program: a name in one of the directories of programs, or a path below a directory of
    /// libraries. One of them has to be there.
    pub tools: &'static [&'static str],
    /// What it is made from: patterns; `@` stands for the directory of the file. One has to have
    /// changed. None: content alone shows it.
    pub inputs: &'static [&'static str],
    /// How its content is judged.
    pub content: Content,
}

const fn kind(
    paths: &'static [&'static str],
    by: &'static str,
    tools: &'static [&'static str],
    inputs: &'static [&'static str],
    content: Content,
) -> Kind {
    Kind { paths, by, tools, inputs, content }
}

/// All kinds.
pub(super) const KINDS: &[Kind] = &[
    kind(
        &["/etc/ld.so.cache"],
        "ldconfig",
        &["ldconfig"],
        &["/{usr/,usr/local/,}lib*/**/*.so*", "/etc/ld.so.conf", "/etc/ld.so.conf.d/*"],
        Content::Linker,
    ),
    kind(&["/etc/.pwd.lock"], "passwd", &["passwd"], &[], Content::Empty),
    kind(
        &["/etc/mailcap"],
        "update-mime",
        &["update-mime"],
        &["/usr/lib/mime/packages/*", "/usr/share/applications/*", "/etc/mailcap.order"],
        Content::Mailcap,
    ),
    kind(
        &[
            "/{usr/,}lib/modules/*/modules.{dep,alias,symbols,builtin,builtin.alias}{,.bin}",
            "/{usr/,}lib/modules/*/modules.{softdep,weakdep,devname}",
        ],
        "depmod",
        &["depmod"],
        &["@/**/*.ko*", "@/modules.{order,builtin,builtin.modinfo}"],
        Content::Depmod,
    ),
    kind(
        &[
            "/usr/share/mime/{aliases,generic-icons,globs,globs2,icons,magic,mime.cache}",
            "/usr/share/mime/{subclasses,treemagic,types,version,XMLnamespaces}",
            "/usr/share/mime/{application,audio,chemical,font,image,inode,message,model}/*.xml",
            "/usr/share/mime/{multipart,text,video,x-content,x-epoc,x-scheme-handler}/*.xml",
        ],
        "update-mime-database",
        &["update-mime-database"],
        &["/usr/share/mime/packages/*.xml"],
        Content::Index,
    ),
    kind(
        &["/usr/share/applications/mimeinfo.cache"],
        "update-desktop-database",
        &["update-desktop-database"],
        &["@/**/*.desktop"],
        Content::Desktop,
    ),
    kind(
        &["/usr/share/icons/**/{,.}icon-theme.cache"],
        "gtk-update-icon-cache",
        &["gtk-update-icon-cache", "gtk4-update-icon-cache", "update-icon-caches"],
        &["@/**/*.{png,svg,svgz,xpm,icon,theme}"],
        Content::Index,
    ),
    kind(
        &["/usr/share/glib-2.0/schemas/gschemas.compiled"],
        "glib-compile-schemas",
        &["glib-compile-schemas", "glib-2.0/glib-compile-schemas"],
        &["@/*.{xml,override,enums}"],
        Content::Index,
    ),
    kind(
        &["/usr/lib*/**/gio/modules/giomodule.cache"],
        "gio-querymodules",
        &["gio-querymodules", "gio-querymodules-64", "glib-2.0/gio-querymodules"],
        &["@/*.so"],
        Content::Modules,
    ),
    kind(
        &["/usr/lib*/**/gdk-pixbuf-2.0/*/loaders.cache"],
        "gdk-pixbuf-query-loaders",
        &[
            "gdk-pixbuf-query-loaders",
            "gdk-pixbuf-query-loaders-64",
            "gdk-pixbuf-2.0/gdk-pixbuf-query-loaders",
        ],
        &["@/loaders/*.so"],
        Content::Loaders,
    ),
    kind(
        &["/usr/lib*/**/gtk-*/*/immodules.cache"],
        "gtk-query-immodules",
        &[
            "gtk-query-immodules-2.0",
            "gtk-query-immodules-3.0",
            "gtk-query-immodules-3.0-64",
            "libgtk2.0-0/gtk-query-immodules-2.0",
            "libgtk-3-0/gtk-query-immodules-3.0",
            "libgtk-3-0t64/gtk-query-immodules-3.0",
        ],
        &["@/immodules/*.so"],
        Content::Loaders,
    ),
    kind(
        &["/usr/lib/locale/locale-archive"],
        "locale-gen",
        &["locale-gen", "localedef", "build-locale-archive"],
        &["/etc/locale.gen", "/usr/share/i18n/**", "/usr/lib/locale/*/**", "/usr/bin/localedef"],
        Content::Index,
    ),
    kind(
        &["/usr/lib/udev/hwdb.bin", "/etc/udev/hwdb.bin"],
        "systemd-hwdb",
        &["systemd-hwdb"],
        &["/usr/lib/udev/hwdb.d/*", "/lib/udev/hwdb.d/*", "/etc/udev/hwdb.d/*"],
        Content::Index,
    ),
    kind(
        &["/usr/lib/systemd/catalog/database"],
        "journalctl --update-catalog",
        &["journalctl"],
        &["@/*.catalog"],
        Content::Index,
    ),
    kind(
        &["/usr/share/info/dir", "/usr/share/info/dir.old"],
        "install-info",
        &["install-info", "ginstall-info", "update-info-dir"],
        &["@/*.info*"],
        Content::Index,
    ),
    kind(&["/usr/share/fonts/**/.uuid"], "fc-cache", &["fc-cache"], &[], Content::Uuid),
    kind(
        &["/usr/share/fonts/**/fonts.{dir,scale}"],
        "mkfontscale",
        &["mkfontscale", "mkfontdir"],
        &["@/*.{pcf,pfa,pfb,otf,ttf,bdf,afm}{,.gz}"],
        Content::Index,
    ),
    kind(
        &[
            "/etc/sgml/catalog{,.old}",
            "/etc/sgml/*.cat{,.old}",
            "/etc/xml/catalog{,.old}",
            "/etc/xml/*.xml{,.old}",
            "/usr/share/{sgml,xml}/**/catalog{,.xml}",
        ],
        "update-catalog",
        &["update-catalog", "update-xmlcatalog", "install-catalog", "xmlcatalog"],
        &["/usr/share/{sgml,xml}/**", "/etc/{sgml,xml}/*"],
        Content::Catalog,
    ),
];
