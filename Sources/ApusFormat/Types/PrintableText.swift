/// Makes what a module or a file chooses fit for messages and listings.
///
/// Names may hold any Unicode: what moves a terminal's cursor, begins another line, changes the
/// direction of writing or is not seen at all. None of that reaches who reads a message.
public enum PrintableText {
    /// Characters of a long name that are shown of its beginning and of its end.
    private static var shownFirst: Int { 80 }
    private static var shownLast: Int { 30 }

    /// `name` with escapes (`\n`, `\u{1b}`) for what is not to be seen, and without its middle if
    /// it is long.
    public static func name(_ name: String) -> String {
        let scalars = name.unicodeScalars
        let most = shownFirst + shownLast
        // Every scalar has a byte at least, so that short names need not be counted.
        guard name.utf8.count > most,
            let head = scalars.index(
                scalars.startIndex, offsetBy: shownFirst, limitedBy: scalars.endIndex),
            let tail = scalars.index(
                scalars.endIndex, offsetBy: -shownLast, limitedBy: head), head < tail
        else { return escaped(scalars[...], tabs: true, backslashes: true) }
        return escaped(scalars[..<head], tabs: true, backslashes: true) + "…"
            + escaped(scalars[tail...], tabs: true, backslashes: true)
    }

    /// `path` with escapes like those of a name, but whole.
    public static func path(_ path: String) -> String {
        escaped(path.unicodeScalars[...], tabs: true, backslashes: true)
    }

    /// A line of a text, or of messages, with escapes; tabs and backslashes stay what they are.
    public static func line(_ line: String) -> String {
        escaped(line.unicodeScalars[...], tabs: false, backslashes: false)
    }

    /// Whether `scalar` is seen where it stands, and does nothing else.
    public static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7F { return scalar.value >= 0x20 }
        let properties = scalar.properties
        if properties.isDefaultIgnorableCodePoint { return false }
        return switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        default: true
        }
    }

    /// `scalar` as an escape that the text format reads in strings, too.
    public static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\t": "\\t"
        case "\r": "\\r"
        default: "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    private static func escaped(
        _ scalars: Substring.UnicodeScalarView, tabs: Bool, backslashes: Bool
    ) -> String {
        var result = String.UnicodeScalarView()
        for scalar in scalars {
            if scalar == "\\", backslashes {
                result.append(contentsOf: "\\\\".unicodeScalars)
            } else if isPrintable(scalar) || (scalar == "\t" && !tabs) {
                result.append(scalar)
            } else {
                result.append(contentsOf: escape(scalar).unicodeScalars)
            }
        }
        return String(result)
    }
}
