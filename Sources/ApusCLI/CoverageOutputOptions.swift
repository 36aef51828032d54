@_spi(ApusCLI) internal import Apus
internal import ApusFormat
internal import ArgumentParser

/// What becomes of a coverage: in which forms it is written, and where its sources are.
struct CoverageOutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "A file to write, in the form that its name ends in; may be repeated.",
            valueName: "FILE"), completion: .file())
    var output: [String] = []

    @Option(
        help: ArgumentHelp(
            "A form to write: --format lcov; may be repeated.",
            discussion: """
                Without --output it goes to coverage.html, coverage.info or coverage.json, and a \
                summary to the error output. With one --output and several forms, that is what \
                the files are called before their endings.
                """, valueName: "FORM"))
    var format: [CoverageFormat] = []

    @Option(
        help: ArgumentHelp(
            "Look for sources of the folder OLD in NEW: --substitute-path /src=.",
            valueName: "OLD=NEW"))
    var substitutePath: [PathSubstitution] = []

    @Option(
        help: ArgumentHelp(
            "Show only sources below a folder, as substituted; may be repeated.",
            valueName: "FOLDER"), completion: .directory)
    var include: [String] = []

    @Option(
        help: ArgumentHelp(
            "Leave out sources below a folder, as substituted: --exclude /usr.",
            valueName: "FOLDER"), completion: .directory)
    var exclude: [String] = []

    func validate() throws {
        if output.count > 1, !format.isEmpty {
            throw ValidationError("--format goes with one --output at most")
        }
        if output == ["-"], format.count > 1 {
            throw ValidationError("the output (-) takes one --format")
        }
        guard format.isEmpty else { return }
        let endings = ["html", "htm", "info", "lcov", "json", "txt"]
        for path in output {
            try OutputFile(path).checkEnding(isOneOf: endings, for: "cover")
        }
    }

    /// A form, and the file for it; nil: the error output.
    private var files: [(format: CoverageFormat, path: String?)] {
        if format.isEmpty {
            let paths = output.isEmpty ? ["coverage.html"] : output
            return paths.map { (CoverageFormat(ofFile: $0), $0) }
        }
        if format.count == 1, let path = output.first { return [(format[0], path)] }
        return format.map { format in
            if output.isEmpty, format == .summary { return (format, nil) }
            return (format, (output.first ?? "coverage") + format.ending)
        }
    }

    /// Refuses, before there is work that would be lost, what could not be written afterwards.
    func checkAreWritable() throws(FileError) {
        for case (_, let path?) in files { try OutputFile(path).checkIsWritable() }
    }

    /// What files that nobody has named end in.
    private static let mark = "\n;; written by apus cover\n"

    /// Writes what `modules` have counted.
    func write(_ modules: [(name: String, module: Module)], of program: ModuleFile) throws {
        // What a tracefile names has to be a file: a module as text goes beside it.
        let tracefile = files.first { $0.format == .lcov }?.path
        let coverage = coverage(of: modules, in: tracefile.map(Self.folder) ?? "")
        let sources = SourceFolders(named: substitutePath.map(\.new), besides: program)
        for (format, path) in files {
            let text = format.text(of: coverage, title: program.name, sources)
            guard let path else {
                Outcome.report("coverage\n" + text.dropLast())
                continue
            }
            let file = OutputFile(path)
            try file.write(Array(text.utf8))
            Outcome.report("\(Self.words(coverage)) in \(file.shown)")
        }
        if tracefile == nil { return }
        for file in coverage.files {
            if let text = file.text {
                // It would be some file of the user's that happens to be called so.
                try Array((text + Self.mark).utf8).write(
                    toUnnamedFileAt: HostText.bytes(file.path), mark: Array(Self.mark.utf8))
            }
        }
    }

    /// What `modules` have counted, by the sources that are wanted; those as text are in `folder`.
    private func coverage(
        of modules: [(name: String, module: Module)], in folder: String
    ) -> Coverage {
        var coverage = Coverage()
        var names: Set<String> = []
        for (name, module) in modules {
            // Files of several folders may be called the same.
            var unique = name
            var number = 1
            while !names.insert(unique).inserted {
                number += 1
                unique = "\(number)-\(name)"
            }
            guard var own = module.coverage(named: folder + unique) else { continue }
            for path in substitutePath { own.substitutePath(path.old, path.new) }
            coverage.merge(own)
        }
        coverage.files.removeAll { !isWanted($0.path) }
        return coverage
    }

    private func isWanted(_ path: String) -> Bool {
        func isIn(_ folders: [String]) -> Bool {
            folders.contains { PathSubstitution.isPath(path, in: $0) }
        }
        return (include.isEmpty || isIn(include)) && !isIn(exclude)
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(path[...slash])
    }

    private static func words(_ coverage: Coverage) -> String {
        func words(_ share: Coverage.Share, _ name: String) -> String {
            "\(share.covered) of \(share.total) \(name)"
        }
        return words(coverage.lineShare, "lines") + ", "
            + words(coverage.functionShare, "functions") + ", "
            + words(coverage.branchShare, "branches")
    }
}

/// The forms in which a coverage can be written.
enum CoverageFormat: String, CaseIterable, ExpressibleByArgument {
    case html
    case lcov
    case json
    case summary

    /// What files of this form end in.
    var ending: String {
        switch self {
        case .html: ".html"
        case .lcov: ".info"
        case .json: ".json"
        case .summary: ".txt"
        }
    }

    /// The form that the name of a file asks for.
    init(ofFile path: String) {
        let isTracefile = path.hasSuffix(".lcov")
        self =
            isTracefile ? .lcov : Self.allCases.first { path.hasSuffix($0.ending) } ?? .html
    }

    fileprivate func text(
        of coverage: Coverage, title: String, _ sources: SourceFolders
    ) -> String {
        switch self {
        case .html: coverage.page(title: "Coverage of \(title)") { sources.contents(of: $0) }
        case .lcov: coverage.lcov
        case .json: coverage.json
        case .summary: coverage.summary
        }
    }
}

/// Where a folder of sources is, in place of where the compiler saw it.
struct PathSubstitution: ExpressibleByArgument {
    var old: String
    var new: String

    init?(argument: String) {
        guard let equals = argument.utf8.lastIndex(of: UInt8(ascii: "=")),
            equals > argument.startIndex
        else { return nil }
        old = String(argument[..<equals])
        new = String(argument[argument.utf8.index(after: equals)...])
        if new.isEmpty { new = "." }
    }

    /// Whether `path` is `folder` or below it.
    static func isPath(_ path: String, in folder: String) -> Bool {
        guard path.utf8.starts(with: folder.utf8) else { return false }
        let slash = UInt8(ascii: "/")
        let rest = path.utf8.dropFirst(folder.utf8.count)
        return rest.isEmpty || rest.first == slash || folder.utf8.last == slash
    }
}
