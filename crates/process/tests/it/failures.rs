//! Programs that cannot be started.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use process::{Error, OutputLimit};

use crate::support::{WAYS, alone, launch, n_children, n_open_files, shell, write};

#[tokio::test]
async fn a_missing_program_is_named() {
    for way in WAYS {
        for program in ["no-such-program", "/no/such/program", "./no-such-program"] {
            let error = launch(way, program)
                .run()
                .await
                .expect_err("it does not exist");
            assert!(
                matches!(&error, Error::NotFound { program: named } if named == program),
                "{way:?}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_missing_folder_is_not_a_missing_program() {
    for way in WAYS {
        for missing in ["/no/such/folder", "/dev/null"] {
            let error = launch(way, "true")
                .folder(missing)
                .run()
                .await
                .expect_err("it does not exist");
            let named = matches!(&error, Error::FolderNotFound { folder, .. } if folder.as_os_str() == missing);
            assert!(named, "{way:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_file_without_permission_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("tool");
    write(&file, "#!/bin/sh\nexit 4\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    let folder_text = folder.path().to_str().expect("UTF-8");
    for way in WAYS {
        for program in ["./tool", "tool", folder_text] {
            let error = launch(way, program)
                .folder(folder.path())
                .env("PATH", folder_text)
                .run()
                .await;
            assert!(
                matches!(&error, Err(Error::PermissionDenied { .. })),
                "{way:?}: {program}: {error:?}"
            );
        }
        // A later folder of PATH has one that can be executed.
        let found = launch(way, "true")
            .folder(folder.path())
            .env("PATH", format!("{folder_text}:/usr/bin:/bin"))
            .run()
            .await;
        assert!(found.expect("it is found").exit.is_success(), "{way:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_passed_is_refused() {
    for way in WAYS {
        for launch in [
            launch(way, "true").arg("a\0b"),
            launch(way, "tr\0ue"),
            launch(way, "true").env("A=B", ""),
            launch(way, "true").env("", "value"),
            launch(way, "true").env("A", "a\0b"),
        ] {
            let error = launch.run().await.expect_err("it cannot be passed");
            assert!(
                matches!(error, Error::InvalidArgument { .. }),
                "{way:?}: {error:?}"
            );
        }
    }
    let limit = OutputLimit {
        spill: Some("/no/such/folder/file".into()),
        ..OutputLimit::default()
    };
    let error = launch(WAYS[0], "true")
        .stdout(limit)
        .run()
        .await
        .expect_err("no such folder");
    assert!(matches!(error, Error::Spill { .. }), "{error:?}");
}

#[test]
fn failures_leave_nothing_behind() {
    alone("failures::failures_leave_nothing_behind", async || {
        // The first of each kind starts threads and opens what stays open.
        for way in WAYS {
            shell(way, "true").run().await.expect("it runs");
        }
        let before = n_open_files();
        for way in WAYS {
            for _ in 0..20 {
                launch(way, "no-such-program")
                    .run()
                    .await
                    .expect_err("it does not exist");
                launch(way, "true")
                    .folder("/no/such/folder")
                    .run()
                    .await
                    .expect_err("it does not exist");
                shell(way, "exit 1").run().await.expect("it runs");
            }
        }
        crate::support::eventually("descriptors and children are back where they were", || {
            n_open_files() <= before && n_children() == 0
        });
    });
}
