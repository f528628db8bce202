//! The demo's repositories on a simulated forge, and the program that works on them: for measurements and crash runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use facade::journal::atomic_write;
use testkit::{
    forge::{Dialect, SimulatedForge},
    git::Fixture,
};
use tokio::runtime::Runtime;

pub(crate) const REPOSITORIES: [&str; 3] = ["backend", "frontend", "infrastructure"];
pub(crate) const OWNER: &str = "demo";

/// A folder with a prepared demo, and one folder for each case.
#[derive(Debug)]
pub(crate) struct Bed {
    program: PathBuf,
    folder: PathBuf,
}

/// A forge of its own, and a home whose configuration has the demo's repositories there.
pub(crate) struct Place {
    pub(crate) home: PathBuf,
    pub(crate) forge: SimulatedForge,
    /// Serves the forge.
    _runtime: Runtime,
}

impl Bed {
    /// Prepares the demo in a temporary folder, `what` in its name.
    pub(crate) fn make(program: PathBuf, what: &str) -> Result<Self> {
        let folder = format!("automation-{what}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder)?;
        let bed = Self {
            program,
            folder: folder.canonicalize()?,
        };
        let mut prepare = bed.automation();
        let made = prepare
            .args(["demo", "--prepare", "--folder"])
            .arg(bed.template())
            .output()?;
        ensure!(made.status.success(), "demo --prepare fails: {made:?}");
        Ok(bed)
    }

    pub(crate) fn template(&self) -> PathBuf {
        self.folder.join("template")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn remove(self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    /// A place for the case `name`; `settings` are added to the demo's, `options` to what is said of the forge.
    pub(crate) fn place(
        &self,
        dialect: Dialect,
        name: &str,
        settings: &str,
        options: &str,
    ) -> Result<Place> {
        let kind = match dialect {
            Dialect::Gitea => "gitea",
            Dialect::GitHub => "github",
            Dialect::GitLab => "gitlab",
        };
        let folder = self.folder.join(format!("{kind}-{name}"));
        let home = folder.join("home");
        fs::create_dir_all(home.join("config"))?;
        let runtime = Runtime::new()?;
        let server = folder.join("server");
        let forge = runtime.block_on(SimulatedForge::start_as(dialect, &server));
        for name in REPOSITORIES {
            forge.add_copy(OWNER, name, &Fixture::at(self.template().join(name)));
        }
        let read = |file: &str| {
            let path = self.template().join("config").join(file);
            fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        let write = |file: &str, text: String| {
            atomic_write(&home.join("config").join(file), text.as_bytes())
        };
        write("playbook.yaml", read("playbook.yaml")?)?;
        write("automation.yaml", read("automation.yaml")? + settings)?;
        let mut repositories = read("repositories.yaml")?;
        for name in REPOSITORIES {
            let (here, there) = (
                format!("path: {name}\n"),
                format!("forge: simulated\n    owner: {OWNER}\n"),
            );
            ensure!(repositories.contains(&here), "the demo has no {here:?}");
            repositories = repositories.replace(&here, &there);
        }
        let forges = format!(
            "forges:\n- {{name: simulated, kind: {kind}, url: \"{}\", token: \"env:FORGE_TOKEN\", {options}}}\n",
            forge.url()
        );
        write("repositories.yaml", forges + &repositories)?;
        Ok(Place {
            home,
            forge,
            _runtime: runtime,
        })
    }

    /// The program, with the forge's token and without what else this process was given.
    #[expect(
        clippy::disallowed_methods,
        reason = "the program is started as a person starts it"
    )]
    pub(crate) fn automation(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("FORGE_TOKEN", "robots-token")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }
}
