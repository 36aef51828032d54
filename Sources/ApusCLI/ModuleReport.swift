@_spi(ApusCLI) internal import Apus
internal import ApusFormat

/// What a module has, for people and for tools.
struct ModuleReport: FileReport {
    private let module: Module
    private let file: String

    /// A report on `module`, which is from `file`.
    init(_ module: Module, file: String) {
        self.module = module
        self.file = file
    }

    /// Lines for people.
    var text: String {
        let name = module.ownName.map { ", called \(PrintableText.name($0))" } ?? ""
        let counts = module.counts.filter { $0.count > 0 }.map { "\($0.name): \($0.count)" }
        var text = "\(PrintableText.path(file)): a module of \(module.byteCount) bytes\(name)\n"
        if !counts.isEmpty { text += "\(counts.joined(separator: ", "))\n" }
        text += list("sections", sections)
        text += list("imports", imports)
        text += list("exports", exports)
        return text + list("functions", functions)
    }

    private func list(_ title: String, _ table: TextTable) -> String {
        let text = table.text
        return text.isEmpty ? "" : "\n\(title)\n\(text)"
    }

    private var sections: TextTable {
        Self.table(ofSections: module.sections.map { ($0.name, $0.contents) })
    }

    private var imports: TextTable {
        var table = TextTable()
        for item in module.imports {
            let name = "\(PrintableText.name(item.module)).\(PrintableText.name(item.name))"
            table.add(name, item.type.description(in: module.engine))
        }
        return table
    }

    private var exports: TextTable {
        var table = TextTable()
        for item in module.exports {
            table.add(PrintableText.name(item.name), item.type.description(in: module.engine))
        }
        return table
    }

    private var functions: TextTable {
        let functions = module.definedFunctions
        if functions.isEmpty { return TextTable() }
        var table = TextTable(["index", "at", "bytes", "function"], numbers: [0, 1, 2])
        for function in functions {
            let name = function.name.map { PrintableText.name($0) + "  " } ?? ""
            table.add(
                "\(function.index)", Self.hexadecimal(function.body.lowerBound),
                "\(function.body.count)",
                name + function.type.description(in: module.engine))
        }
        return table
    }

    /// For tools.
    var json: JSONValue {
        [
            "file": .string(file), "kind": "module", "bytes": .count(module.byteCount),
            "name": .optional(module.ownName),
            "counts": .object(module.counts.map { ($0.name, .count($0.count)) }),
            "sections": .array(
                module.sections.map { section in
                    [
                        "name": .string(section.name),
                        "offset": .count(section.contents.lowerBound),
                        "bytes": .count(section.contents.count),
                    ]
                }),
            "imports": .array(
                module.imports.map { item in
                    [
                        "module": .string(item.module), "name": .string(item.name),
                        "type": .string(item.type.description(in: module.engine)),
                    ]
                }),
            "exports": .array(
                module.exports.map { item in
                    [
                        "name": .string(item.name),
                        "type": .string(item.type.description(in: module.engine)),
                    ]
                }),
            "functions": .array(
                module.definedFunctions.map { function in
                    [
                        "index": .count(function.index), "name": .optional(function.name),
                        "offset": .count(function.body.lowerBound),
                        "bytes": .count(function.body.count),
                        "type": .string(function.type.description(in: module.engine)),
                    ]
                }),
        ]
    }
}
