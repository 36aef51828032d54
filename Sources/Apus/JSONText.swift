internal import ApusFormat

/// Strings in JSON, which may also stand within a page's script, or be printed on a terminal.
@_spi(ApusCLI)
public enum JSONText {
    /// `text` in quotation marks, with escapes for what may not stand in JSON or in a script, and
    /// for what a terminal would obey or nobody would see.
    public static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            // What could end the script around it.
            case "<", ">", "&": quoted += escape(scalar)
            case _ where PrintableText.isPrintable(scalar): quoted.unicodeScalars.append(scalar)
            default: quoted += escape(scalar)
            }
        }
        return quoted + "\""
    }

    /// JSON knows units of UTF-16, of which there are one or two.
    private static func escape(_ scalar: Unicode.Scalar) -> String {
        String(scalar).utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }
}
