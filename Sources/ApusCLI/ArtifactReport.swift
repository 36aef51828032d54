@_spi(ApusCLI) internal import Apus
internal import ApusFormat

/// What a compiled module has, for people and for tools.
struct ArtifactReport: FileReport {
    private let listing: ArtifactListing
    private let file: String

    /// A report on what `listing` says of `file`.
    init(_ listing: ArtifactListing, file: String) {
        self.listing = listing
        self.file = file
    }

    /// Lines for people.
    var text: String {
        var text =
            "\(PrintableText.path(file)): a compiled module\n\nheader\n\(header.text)\n"
            + "sections\n\(sections.text)"
        if !listing.isOfThisBuild {
            return text + "\nAnother build has made it, and only that one reads its code.\n"
        }
        if listing.functions.isEmpty { return text + "\nIt has no code.\n" }
        text += "\nfunctions\n\(functions.text)"
        if listing.isPartial { text += "\nIt has the code of functions that were called only.\n" }
        return text
    }

    private var header: TextTable {
        var table = TextTable()
        table.add("format", "\(listing.format)")
        table.add("build", listing.build + (listing.isOfThisBuild ? " (this one)" : " (another)"))
        table.add("target", "\(listing.target)\(Self.list(listing.processorFeatures, " with "))")
        table.add("compiler", listing.compiler)
        table.add("features", Self.list(listing.features))
        table.add("settings", listing.settings.joined(separator: ", "))
        table.add("size", "\(listing.byteCount) bytes, of a module of \(listing.moduleBytes)")
        table.add("module", "checksum \(listing.moduleChecksum)")
        table.add("header", "checksum \(listing.headerChecksum)")
        table.add("contents", "checksum \(listing.contentsChecksum)")
        return table
    }

    private static func list(_ names: [String], _ start: String = "") -> String {
        names.isEmpty ? "" : start + names.joined(separator: " ")
    }

    private var sections: TextTable {
        Self.table(ofSections: listing.sections.map { ($0.name, $0.range) })
    }

    private var functions: TextTable {
        var table = TextTable(
            ["index", "code at", "bytes", "body", "traps", "calls", "inlined", "name"],
            numbers: [0, 1, 2, 3, 4, 5, 6])
        for function in listing.functions {
            table.add(
                "\(function.index)", Self.hexadecimal(function.codeStart),
                "\(function.codeBytes)", "\(function.bodyBytes)", "\(function.traps)",
                "\(function.calls)", "\(function.inlinedCalls)",
                function.name.map(PrintableText.name) ?? "")
        }
        func sum(_ count: (ArtifactListing.Function) -> Int) -> String {
            "\(listing.functions.reduce(0) { $0 + count($1) })"
        }
        table.add(
            "all", "", sum(\.codeBytes), sum(\.bodyBytes), sum(\.traps), sum(\.calls),
            sum(\.inlinedCalls), "\(listing.functions.count) functions")
        return table
    }

    /// For tools.
    var json: JSONValue {
        [
            "file": .string(file), "kind": "artifact", "format": .count(listing.format),
            "build": .string(listing.build), "this_build": .bool(listing.isOfThisBuild),
            "target": .string(listing.target),
            "processor_features": .strings(listing.processorFeatures),
            "compiler": .string(listing.compiler), "features": .strings(listing.features),
            "settings": .strings(listing.settings), "bytes": .count(listing.byteCount),
            "module_bytes": .count(listing.moduleBytes),
            "checksums": [
                "module": .string(listing.moduleChecksum),
                "header": .string(listing.headerChecksum),
                "contents": .string(listing.contentsChecksum),
            ],
            "partial": .bool(listing.isPartial),
            "sections": .array(
                listing.sections.map { section in
                    [
                        "name": .string(section.name), "image": .count(section.image),
                        "offset": .count(section.range.lowerBound),
                        "bytes": .count(section.range.count),
                    ]
                }),
            "functions": .array(listing.functions.map(Self.json)),
        ]
    }

    private static func json(_ function: ArtifactListing.Function) -> JSONValue {
        [
            "index": .count(function.index), "name": .optional(function.name),
            "code_offset": .count(function.codeStart), "code_bytes": .count(function.codeBytes),
            "body_bytes": .count(function.bodyBytes), "traps": .count(function.traps),
            "calls": .count(function.calls), "inlined_calls": .count(function.inlinedCalls),
        ]
    }
}
