@_spi(ApusCLI) internal import Apus
internal import ApusFormat

/// A module imports what nobody defines, or something else; says what can be done.
struct MissingImport: Error, CustomStringConvertible {
    let description: String

    init(_ error: LinkError, file: String, _ unknownImports: UnknownImports) {
        var text = "\(PrintableText.path(file)): \(error)"
        if error.found == nil {
            text += "; --preload \(PrintableText.name(error.module))=MODULE would give it"
            if let helpful = UnknownImports.helpful(for: error.expected),
                helpful != unknownImports
            {
                text += ", --unknown-imports \(helpful.rawValue) runs without it"
            }
        }
        description = text
    }
}

/// A module does not export what was to be called; says what it does export.
struct MissingExport: Error, CustomStringConvertible {
    let description: String

    init(_ error: ExportError, of module: Module, file: String) {
        let functions = module.exports.compactMap { export -> String? in
            if case .function = export.type { return export.name }
            return nil
        }
        var text = "\(PrintableText.path(file)): \(error)"
        let similar = SimilarNames.near(error.name, among: functions)
        if functions.isEmpty {
            text += "; it exports no function"
        } else if error.found == nil, !similar.isEmpty {
            text += "; did you mean \(Self.list(similar))?"
        } else if error.name == "_start" {
            text += "; --invoke calls what it does export: \(Self.list(functions))"
        } else {
            text += "; it exports \(Self.list(functions))"
        }
        description = text
    }

    private static var namesShown: Int { 8 }

    /// The first of `names`, as they would be written for `--invoke`.
    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(namesShown).map { "\"\(PrintableText.name($0))\"" }.joined(
            separator: ", ")
        return shown + (names.count > namesShown ? ", …" : "")
    }
}
