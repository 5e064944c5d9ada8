//! That the guide can be found, and that its links lead somewhere. What it shows is run by the command's tests and by
//! the documentation tests of this crate.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut pages = chapters();
    pages.extend(pages_of("."));
    let mut count = 0;
    for page in pages {
        let text = read(&page);
        let inline = targets(&text);
        let defined = definitions(&text).into_values();
        for target in inline.into_iter().chain(defined) {
            let file = target.split('#').next().expect("its beginning");
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let led = page.parent().expect("its directory").join(file);
            assert!(led.exists(), "{}: {target}", page.display());
            count += 1;
        }
    }
    assert!(count > 30, "{count} links");
}

/// There a chapter is a module, not a file.
#[test]
fn every_link_of_a_chapter_leads_somewhere_in_the_documentation_too() {
    let there = definitions(&read(&root("core/src/guide/links.md")));
    for chapter in chapters() {
        let text = read(&chapter);
        let at = chapter.display();
        for target in targets(&text) {
            assert!(
                target.contains("://") || target.starts_with('#'),
                "{at}: write `[text][name]` for a link to {target}, and `[name]: {target}` below",
            );
        }
        for (name, target) in definitions(&text) {
            assert!(
                target.contains("://") || there.contains_key(&name),
                "{at}: say in core/src/guide/links.md where [{name}] leads in the documentation",
            );
        }
    }
}

#[test]
fn every_chapter_is_where_it_belongs() {
    let contents = read(&root("docs/README.md"));
    let documented = read(&root("core/src/guide.rs"));
    let tested = read(&root("tests/src/lib.rs"));
    for chapter in chapters() {
        let file = chapter.file_name().expect("its name").to_str();
        let file = file.expect("a name of ASCII");
        let at = chapter.display();
        let listed = file == "README.md" || contents.contains(&format!("]: {file}\n"));
        assert!(listed, "{at} is not in the table of contents");
        let included = format!("include_str!(\"../docs/{file}\")");
        assert!(
            documented.contains(&included),
            "{at} is not in core/src/guide.rs"
        );
        if read(&chapter).contains("\n```rust\n") {
            let included = format!("include_str!(\"../../docs/{file}\")");
            assert!(
                tested.contains(&included),
                "{at} is not in tests/src/lib.rs"
            );
        }
    }
}

#[test]
fn every_crate_leads_to_the_guide() {
    let adapters = fs::read_dir(root("adapters")).expect("adapters");
    let mut crates: Vec<_> = adapters
        .map(|entry| entry.expect("a crate").path())
        .collect();
    crates.extend([root("core"), root("tests")]);
    for folder in crates {
        let front = ["src/lib.rs", "src/main.rs"].map(|page| folder.join(page));
        let front = front.iter().find(|page| page.exists()).expect("a crate");
        let text = read(front);
        let page = text
            .lines()
            .filter(|line| line.starts_with("//! The [guide]"));
        assert_eq!(page.count(), 1, "{}", front.display());
    }
}

fn chapters() -> Vec<PathBuf> {
    pages_of("docs")
}

fn pages_of(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(root(folder)).expect("a folder");
    let files = files.map(|file| file.expect("a file").path());
    files
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect()
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a page")
}

/// Where the inline links of a page lead, those in code left out.
fn targets(text: &str) -> Vec<String> {
    let prose = text.split("```").step_by(2);
    let links = prose.flat_map(|prose| prose.split("](").skip(1));
    links
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// Where the named links of a page lead.
fn definitions(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| {
        let (name, target) = line.strip_prefix('[')?.split_once("]: ")?;
        Some((name.to_owned(), target.to_owned()))
    });
    lines.collect()
}
