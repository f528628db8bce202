use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use core_types::{Clock, GitProvider, RepositoryName};

use crate::{Error, LocalForge, LocalForgeOptions};

/// A forge: a place with many repositories.
pub trait Forge: fmt::Debug + Send + Sync {
    /// One of its repositories. Whether the forge holds it shows at the first use.
    fn provider(&self, repository: &RepositoryName) -> Arc<dyn GitProvider>;

    /// The kind of forge that holds a repository, such as `local`; a label, so one of few.
    fn kind(&self, repository: &RepositoryName) -> &str;
}

/// A forge as the configuration describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeSpec {
    /// Its name.
    pub name: String,
    /// Its kind: `local`, or one that was added.
    pub kind: String,
}

/// What all forges of a program share.
#[derive(Debug, Clone)]
pub struct ForgeContext {
    /// The folder of the local forge: `.automation/forge` of the home.
    pub folder: PathBuf,
    /// How the local forge is opened.
    pub local: LocalForgeOptions,
    /// Tells when things were written.
    pub clock: Arc<dyn Clock>,
}

/// Makes a forge of one kind.
pub type Constructor =
    Arc<dyn Fn(&ForgeSpec, &ForgeContext) -> Result<Arc<dyn Forge>, Error> + Send + Sync>;

/// The known kinds of forges.
#[derive(Clone)]
pub struct Registry {
    kinds: BTreeMap<String, Constructor>,
}

impl Default for Registry {
    /// The kind of this crate: `local`.
    fn default() -> Self {
        let mut registry = Self {
            kinds: BTreeMap::new(),
        };
        registry.add("local", Arc::new(local));
        registry
    }
}

impl Registry {
    /// Adds a kind, or replaces the one of that name.
    pub fn add(&mut self, kind: impl Into<String>, constructor: Constructor) {
        self.kinds.insert(kind.into(), constructor);
    }

    /// The known kinds, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// Opens the forge that `spec` describes. It may block on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`] lists the known ones; else what the kind answers.
    pub fn open(&self, spec: &ForgeSpec, context: &ForgeContext) -> Result<Arc<dyn Forge>, Error> {
        let constructor = self
            .kinds
            .get(&spec.kind)
            .ok_or_else(|| Error::UnknownKind {
                forge: spec.name.clone(),
                kind: spec.kind.clone(),
                known: self.kinds().collect::<Vec<_>>().join(", "),
            })?;
        constructor(spec, context)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds()).finish()
    }
}

fn local(_: &ForgeSpec, context: &ForgeContext) -> Result<Arc<dyn Forge>, Error> {
    let clock = Arc::clone(&context.clock);
    let forge = LocalForge::open(&context.folder, context.local.clone(), clock)?;
    Ok(Arc::new(forge))
}
