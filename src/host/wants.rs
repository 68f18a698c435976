//! What a run will ask for, said before an archive is read.

/// What rules ask of files.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    pub(crate) content: Vec<String>,
    pub(crate) digest: Vec<String>,
    pub(crate) checksums: bool,
    pub(crate) secrets: bool,
    pub(crate) programs: bool,
}

impl Wants {
    /// The rules will read the file or files of this path or pattern.
    pub fn content(&mut self, pattern: &str) {
        self.content.push(pattern.to_owned());
    }

    /// The rules will ask for the digest.
    pub fn digest(&mut self, pattern: &str) {
        self.digest.push(pattern.to_owned());
    }
    /// Every digest of every file will be asked for, in the ways of all package managers.
    pub fn checksums(&mut self) {
        self.checksums = true;
    }

    /// Files with secrets are looked for, in each layer.
    pub fn secrets(&mut self) {
        self.secrets = true;
    }

    /// What the dynamic linker needs to know of programs and libraries will be asked for.
    pub fn programs(&mut self) {
        self.programs = true;
    }
}
