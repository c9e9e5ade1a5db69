//! Removal of podlift's own images.

use super::fake::{Fake, is_there};
use super::*;
use podlift_host::Files as _;
use std::path::Path;

const COPY: &str = "dgx-image-k8s-1.32.9";
const PATH: &str = "/cm/images/dgx-image-k8s-1.32.9";

fn remove(image: &str) -> BcmOp {
    BcmOp::ImageRemove { image: image.parse().unwrap() }
}

/// With a file for the folder, which the fake of the files has none of.
fn fake() -> Fake {
    let fake = Fake::new().with_clone(COPY);
    fake.files.put(PATH, b"a folder");
    fake
}

#[tokio::test(start_paused = true)]
async fn from_the_list_and_then_its_files() {
    let fake = fake();
    let output = run(&fake, remove(COPY), |spec| {
        assert_eq!(line(spec), format!("rm -rf --one-file-system -- {PATH}"));
        assert!(!fake.state().images.contains_key(COPY));
        fake.files.remove_tree(Path::new(PATH)).unwrap();
        (0, String::new())
    });
    assert!(matches!(output.await, Ok(OpOutput::Changed(_))));
    assert!(!is_there(&fake, "/var/lib/podlift/bcm/image-dgx-image-k8s-1.32.9.json"));
    assert!(matches!(run(&fake, remove(COPY), no_unit).await, Ok(OpOutput::Unchanged(_))));
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_removal_goes_on() {
    let fake = fake();
    fake.state().images.remove(COPY);
    let output = run(&fake, remove(COPY), |_| {
        fake.files.remove_tree(Path::new(PATH)).unwrap();
        (0, String::new())
    });
    assert!(matches!(output.await, Ok(OpOutput::Changed(_))));
    let fake = self::fake();
    assert_eq!(code(&fake, remove(COPY), |_| (1, "rm: busy\n".into())).await, "bcm-no-effect");
}

/// A failover in the middle: the other head node's list has the image again.
#[tokio::test(start_paused = true)]
async fn an_image_that_is_listed_again_is_not_gone() {
    let fake = fake();
    let back = |_: &UnitSpec| {
        fake.files.remove_tree(Path::new(PATH)).unwrap();
        fake.state().images.insert(COPY.into(), PATH.into());
        (0, String::new())
    };
    let failure = run(&fake, remove(COPY), back).await.unwrap_err();
    assert_eq!(failure.code, "bcm-no-effect");
    assert!(failure.message.contains("in its list again"), "{}", failure.message);
    // The next attempt ends it.
    assert!(matches!(run(&fake, remove(COPY), |_| (0, String::new())).await, Ok(OpOutput::Changed(_))));
}

#[tokio::test(start_paused = true)]
async fn what_is_used_or_not_podlifts_stays() {
    let fake = fake();
    assert_eq!(code(&fake, remove("dgx-image"), no_unit).await, "bcm-image-not-ours");
    fake.state().nodes.insert("dgx031".into(), (COPY.into(), true));
    let failure = run(&fake, remove(COPY), no_unit).await.unwrap_err();
    assert_eq!(failure.code, "bcm-image-in-use");
    assert!(failure.message.contains("dgx031"), "{}", failure.message);
    let fake = self::fake();
    fake.state().category = COPY.into();
    assert!(run(&fake, remove(COPY), no_unit).await.unwrap_err().message.contains("categories use it (dgx)"));
    let fake = self::fake();
    fake.mounts(&format!("30 22 0:4 / {PATH}/dev rw - x x rw\n"));
    assert_eq!(code(&fake, remove(COPY), no_unit).await, "bcm-image-in-use");
    let fake = self::fake();
    fake.state().images.insert("nested".into(), format!("{PATH}/nested"));
    assert_eq!(code(&fake, remove(COPY), no_unit).await, "bcm-image-in-use");
    assert!(fake.state().images.contains_key(COPY));
}
