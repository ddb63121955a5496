//! A page for people: XHTML made from the XML that programs get.
//!
//! Icecast makes such pages by stylesheets and labels them `text/xml`, as is done here.

use super::xml::{Element, escaped};

/// The type of every page.
pub const PAGE_TYPE: &str = "text/xml; charset=UTF-8";

const OPENING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\n\
    <html xmlns=\"http://www.w3.org/1999/xhtml\">\n\
    <head>\n<title>Icecast Streaming Media Server</title>\n</head>\n\
    <body>\n<h1>Administration</h1>\n\
    <ul>\n<li><a href=\"/admin/stats.xsl\">Statistics</a></li>\n\
    <li><a href=\"/admin/listmounts.xsl\">Mounts</a></li>\n</ul>\n";
const CLOSING: &str = "</body>\n</html>\n";

/// What a mount's name leads to, each with `mount=` behind it.
const LINKS: [(&str, &str); 4] = [
    ("listclients.xsl", "Listeners"),
    ("moveclients.xsl", "Move listeners"),
    ("updatemetadata.xsl", "Set the title"),
    ("killsource.xsl", "End the source"),
];

/// The page that shows `root`: a table of what it says, and one for each element with children.
/// `encode` makes a mount's name fit for a link.
#[must_use]
pub fn page(root: &Element, encode: fn(&str) -> String) -> String {
    let mut out = OPENING.to_owned();
    table(root, &mut out);
    for child in root.children().iter().filter(|child| child.own_text().is_none()) {
        section(child, None, encode, &mut out);
    }
    out.push_str(CLOSING);
    out
}

/// The page with the form that sets a mount's title.
#[must_use]
pub fn title_form(mount: &str) -> String {
    let mount = escaped(mount);
    format!(
        "{OPENING}<h2>Title of {mount}</h2>\n\
         <form method=\"get\" action=\"/admin/metadata.xsl\">\n<p>\n\
         <input type=\"text\" name=\"song\" />\n<input type=\"submit\" value=\"Update\" />\n\
         <input type=\"hidden\" name=\"mount\" value=\"{mount}\" />\n\
         <input type=\"hidden\" name=\"mode\" value=\"updinfo\" />\n\
         <input type=\"hidden\" name=\"charset\" value=\"UTF-8\" />\n</p>\n</form>\n{CLOSING}"
    )
}

fn section(element: &Element, mount: Option<&str>, encode: fn(&str) -> String, out: &mut String) {
    let name = escaped(element.name());
    let value = element.value();
    out.push_str(&format!("<h2>{name} {}</h2>\n", escaped(value.unwrap_or_default())));
    if let Some(mount) = value {
        links(&encode(mount), out);
    }
    table(element, out);
    let id = element.children().iter().find(|child| child.name() == "ID");
    if let Some((mount, id)) = mount.zip(id.and_then(Element::own_text)) {
        let (mount, id) = (encode(mount), encode(id));
        let kick = format!("/admin/killclient.xsl?mount={mount}&amp;id={id}");
        out.push_str(&format!("<p><a href=\"{kick}\">End</a></p>\n"));
    }
    for child in element.children().iter().filter(|child| child.own_text().is_none()) {
        section(child, value, encode, out);
    }
}

fn links(mount: &str, out: &mut String) {
    out.push_str("<ul>\n");
    for (page, text) in LINKS {
        let link = format!("<li><a href=\"/admin/{page}?mount={mount}\">{text}</a></li>\n");
        out.push_str(&link);
    }
    out.push_str("</ul>\n");
}

fn table(element: &Element, out: &mut String) {
    let mut rows = String::new();
    for child in element.children() {
        let Some(text) = child.own_text() else { continue };
        let (name, text) = (escaped(child.name()), escaped(text));
        rows.push_str(&format!("<tr><td>{name}</td><td>{text}</td></tr>\n"));
    }
    // A table without a row is none in XHTML.
    if !rows.is_empty() {
        out.push_str(&format!("<table>\n<tbody>\n{rows}</tbody>\n</table>\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_every_text_and_no_markup_of_strangers() {
        let listener = Element::new("listener")
            .with(Element::text("UserAgent", "<script>"))
            .with(Element::text("ID", "7"));
        let source = Element::new("source").attribute("mount", "/a\"><b>").with(listener);
        let root = Element::new("icestats").with(Element::text("host", "h&h")).with(source);
        let page = page(&root, |_| "ENCODED".to_owned());
        assert!(page.contains("<tr><td>host</td><td>h&amp;h</td></tr>"), "{page}");
        assert!(page.contains("<td>&lt;script&gt;</td>"), "{page}");
        assert!(page.contains("killclient.xsl?mount=ENCODED&amp;id=ENCODED\""), "{page}");
        assert!(!page.contains("<b>") && !page.contains("<script>"), "{page}");
    }

    #[test]
    fn the_form_names_its_mount_harmlessly() {
        assert!(title_form("/a\"/><x>").contains("value=\"/a&quot;/&gt;&lt;x&gt;\""));
    }
}
