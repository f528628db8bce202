//! The files in `config/` are what they claim to be.

use std::{fs, path::Path};

use config::{
    Command,
    automation::{AgentChoice, InitChoices, Settings, render},
    repositories::Coordination,
};

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../config")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_sample_is_read_without_findings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    for entry in fs::read_dir(folder).expect("the folder of samples") {
        let name = entry
            .expect("an entry of it")
            .file_name()
            .to_string_lossy()
            .into_owned();
        // The generated schemas lie beside the samples.
        if !name.ends_with(".yaml") {
            continue;
        }
        let text = sample(&name);
        let findings = if name.starts_with("repositories") {
            config::load_repositories(&name, &text, &|_| None).err()
        } else if name.starts_with("automation") {
            config::load_settings(&name, &text, &|_| None).err()
        } else if name.starts_with("models") {
            config::load_models(&name, &text, &|_| None).err()
        } else {
            panic!("{name}: a sample of an unknown kind");
        };
        assert_eq!(findings.map(|findings| findings.to_string()), None);
    }
}

#[test]
fn the_embedded_defaults_are_the_defaults() {
    let mut settings =
        config::load_settings("f", &sample("automation.default.yaml"), &|_| None).expect("sound");
    settings.file.clear();
    assert_eq!(settings, Settings::default());
}

/// The file of the description that the engine was built after, letter by letter.
#[test]
fn the_repositories_of_the_description() {
    let repositories =
        config::load_repositories("f", &sample("repositories.yaml"), &|_| None).expect("sound");
    let [backend, frontend, infrastructure] = &repositories.entries[..] else {
        panic!("three repositories stand in the file");
    };
    assert_eq!(
        (backend.owner.as_deref(), backend.repo.as_deref()),
        (Some("myorg"), Some("backend-service"))
    );
    assert!(backend.primary && backend.enabled && backend.auto_deploy);
    assert_eq!(
        (frontend.repo.as_deref(), &frontend.depends_on[..]),
        (Some("frontend-app"), &["backend".to_owned()][..])
    );
    assert!(frontend.enabled && !frontend.auto_deploy && !frontend.primary);
    assert_eq!(infrastructure.triggers, ["backend", "frontend"]);
    let [feature, update] = &repositories.workflows[..] else {
        panic!("two workflows stand in the file");
    };
    assert_eq!(
        (feature.name.as_str(), feature.coordination),
        ("full-stack-feature", Coordination::Sequential)
    );
    assert_eq!(feature.repositories, ["backend", "frontend"]);
    assert_eq!(
        (update.name.as_str(), update.coordination),
        ("infrastructure-update", Coordination::Parallel)
    );
    assert_eq!(
        update.repositories,
        ["backend", "frontend", "infrastructure"]
    );
}

/// The sample is what `automation init` writes, so that it never falls behind the tables.
#[test]
fn the_sample_of_settings_is_what_init_writes() {
    let codemod = AgentChoice {
        name: "codemod".to_owned(),
        kind: "command".to_owned(),
        command: Some(Command::Shell(
            "grep -rl foo . --include=*.txt | xargs -r sed -i s/foo/bar/g".to_owned(),
        )),
        playbook: None,
        own_login: false,
        changes_optional: true,
        comment: "Renames foo in text files; a repository without one is unchanged.".to_owned(),
    };
    let expected = render(&InitChoices {
        agents: vec![codemod],
    });
    assert_eq!(
        sample("automation.yaml"),
        expected,
        "config/automation.yaml must be:\n{expected}<end>"
    );
}
