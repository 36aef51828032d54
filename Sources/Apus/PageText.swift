/// Texts in the pages that are written for browsers.
enum PageText {
    /// `text`, which may be anything, as what stands in an element or in an attribute.
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
