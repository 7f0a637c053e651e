//! The parts of the page that are the same in each report: the styles, the program, which waits for the
//! end of the page, and the visible skeleton.
//!
//! The page allows itself nothing but these styles and this program, which it names by their hashes
//! (Content Security Policy Level 3). So what a capture contains could not run even as markup.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "sources of this crate, and a title of the caller"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const SKELETON: &str = include_str!("page/page.html");

const STYLES: [&str; 3] = [
    include_str!("page/style.css"),
    include_str!("page/views.css"),
    include_str!("page/print.css"),
];

/// One program: the parts share a scope.
const PROGRAM: [&str; PROGRAM_PARTS] = [
    include_str!("page/basics.js"),
    include_str!("page/codec.js"),
    include_str!("page/store.js"),
    include_str!("page/events.js"),
    include_str!("page/search.js"),
    include_str!("page/virtual_list.js"),
    include_str!("page/json_text.js"),
    include_str!("page/charts.js"),
    include_str!("page/figures.js"),
    include_str!("page/account.js"),
    include_str!("page/lanes.js"),
    include_str!("page/overview.js"),
    include_str!("page/facts.js"),
    include_str!("page/messages.js"),
    include_str!("page/message.js"),
    include_str!("page/printing.js"),
    include_str!("page/keyboard.js"),
    include_str!("page/start.js"),
];

const PROGRAM_PARTS: usize = 18;

/// The page up to the data.
pub(super) fn start(title: &str) -> String {
    let (style, program) = (style(), program());
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(&style),
        hash(&program),
    );
    // The skeleton names each once. The title comes last, so that it cannot name any.
    SKELETON
        .replacen("POLICY", &policy, 1)
        .replacen("STYLE", &style, 1)
        .replacen("PROGRAM", &program, 1)
        .replace("TITLE", &escaped(title))
}

/// The page after the data.
pub(super) const END: &str = "</body>\n</html>\n";

fn style() -> String {
    STYLES.concat()
}

fn program() -> String {
    format!("\"use strict\";\n(() => {{\n{}}})();\n", PROGRAM.concat())
}

/// The source expression of a style or a program.
fn hash(source: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(source)))
}

/// A text as HTML. Characters that turn the direction of text are left out.
fn escaped(text: &str) -> String {
    let mut html = String::new();
    for one in text.chars() {
        match one {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            one if one.is_control() => html.push(' '),
            one => html.push(one),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_is_no_markup() {
        let title = "</title><script>alert('1')</script>\u{202e}\0\"&";
        let expected = "&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &quot;&amp;";
        assert_eq!(escaped(title), expected);
        assert!(start(title).contains(&format!("<title>{expected}</title>")));
    }

    #[test]
    fn sources_cannot_end_their_elements() {
        assert!(!style().to_lowercase().contains("</style"));
        let program = program().to_lowercase();
        assert!(!program.contains("</script") && !program.contains("<!--"));
    }

    #[test]
    fn page_fetches_nothing() {
        let page = start("").to_lowercase();
        // The name of the namespace of SVG is no address.
        let page = page.replace("http://www.w3.org/2000/svg", "");
        for word in
            ["http:", "https:", "src=", "@import", " url(", ":url(", "fetch(", "xmlhttprequest"]
        {
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn placeholders_are_filled() {
        let page = start("none");
        for placeholder in ["POLICY", "PROGRAM", "TITLE"] {
            assert!(!page.contains(placeholder), "{placeholder}");
        }
        assert_eq!(page.matches("<style>").count(), 1);
    }
}
