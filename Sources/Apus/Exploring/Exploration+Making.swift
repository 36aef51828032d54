internal import ApusABI
internal import ApusBaseline
internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat
internal import ApusOptimizer
internal import ApusText

extension Exploration {
    /// Shows functions of the module whose binary form `bytes` is, as `engine` compiles it; both
    /// compilers are shown, whichever it has.
    ///
    /// - Throws: `ModuleError` if the module is not valid; `FunctionNameError` if the options name
    ///   a function that there is not.
    public init(_ engine: Engine, bytes: [UInt8], _ options: Options = Options()) throws {
        try self.init(ByteStorage(bytes), nil, engine.configuration, options)
    }

    /// As the other one, in an engine that is set up like `configuration`. If the module was given
    /// in text form, and names no other sources, that text is its source.
    @_spi(ApusCLI)
    public init(
        _ source: ModuleSource, _ configuration: Engine.Configuration, _ options: Options
    ) throws {
        let text = source.text.map { OwnText(name: source.file ?? "", contents: $0) }
        self = try source.locatingErrors { try Exploration($0, text, configuration, options) }
    }

    private init(
        _ bytes: ByteStorage, _ text: OwnText?, _ configuration: Engine.Configuration,
        _ options: Options
    ) throws {
        let inspection = try ModuleInspection(bytes, configuration)
        let module = inspection.module
        definedCount = module.bodies.count
        moduleBytes = bytes.count
        let first = module.importedFunctionCount
        let indices =
            try options.functions.map { try $0.map { try inspection.findDefined($0) } }
            ?? Array(first..<first + definedCount)
        requestedCount = indices.count
        var explorer = try FunctionExplorer(inspection)
        let named = module.sourceIndex(
            module.sourceMapURL.flatMap { url in
                options.readSourceMap.map { read in { read(url) } }
            })
        let index = named ?? module.textIndex(text?.places(of: module))
        var sources = SourceFiles(index, options.readSource, own: named == nil ? text : nil)
        var bytesShown = 0
        for index in indices {
            if bytesShown >= options.bytesLimit { break }
            var function = try explorer.explore(index)
            function.cut(toBytes: options.bytesLimit)
            sources.add(to: &function)
            bytesShown += function.textBytes
            functions.append(function)
        }
        missingSources = sources.missing
    }
}

/// The text that a module was given as, which has been read already.
struct OwnText {
    var name: String
    var contents: ByteStorage

    fileprivate func places(of module: DecodedModule) -> SourceMap? {
        TextPlaces.places(in: contents, named: name, of: module)
    }

    var lines: [Substring] {
        let bytes = contents.span
        return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    }
}

extension Exploration.Function {
    /// Lines that each stage may have in any case.
    private static var linesKept: Int { 1000 }
    /// Unless these are more bytes: a few lines can have long lists.
    private static var bytesKept: Int { 256 << 10 }

    /// Leaves out the last lines of stages that have more than their share of `bytes`.
    fileprivate mutating func cut(toBytes bytes: Int) {
        for stage in stages.indices {
            var count = 0
            var size = 0
            for line in stages[stage] {
                size += line.text.utf8.count + 4
                if count >= Self.linesKept, size > bytes / stages.count { break }
                if size > max(bytes, Self.bytesKept) { break }
                count += 1
            }
            let rest = stages[stage].count - count
            if rest == 0 { continue }
            stages[stage].removeLast(rest)
            stages[stage].append(
                Exploration.Line(";; \(rest) more lines are left out", offset: nil))
        }
    }

    /// About how many bytes it has as text.
    fileprivate var textBytes: Int {
        let code = stages.joined().reduce(0) { $0 + $1.text.utf8.count + 4 }
        return sources.reduce(code) { $0 + ($1.text?.utf8.count ?? 0) + 8 }
    }
}

/// Has functions compiled, one after the other, and notes what they are at each stage.
private struct FunctionExplorer: ~Copyable {
    private let inspection: ModuleInspection
    private let module: DecodedModule
    private var texts: FunctionTexts
    private var validator: FunctionValidator
    private var forms: OptimizingCompiler
    private var baseline: CompilationWorker<BaselineCompiler>
    private var optimizing: CompilationWorker<OptimizingModuleCompiler>
    private var batch = CodeBatch()

    init(_ inspection: ModuleInspection) throws {
        self.inspection = inspection
        module = inspection.module
        texts = try FunctionTexts(inspection.bytes)
        let features = inspection.configuration.features
        validator = FunctionValidator(module, features: features)
        var environment = inspection.environment
        environment.notesInstructions = true
        forms = OptimizingCompiler(environment)
        baseline = CompilationWorker<BaselineCompiler>(
            environment, features, inspection.budget)
        optimizing = CompilationWorker<OptimizingModuleCompiler>(
            environment, features, inspection.budget)
    }

    mutating func explore(_ index: Int) throws -> Exploration.Function {
        let body = module.bodies[index - module.importedFunctionCount]
        let start = Int(body.start)
        try validator.validate(index)
        let text = try texts.lines(ofFunction: index) ?? []
        let forms = forms.lines(index, validator.analysis, as: [.ir, .machine])
        let unoptimized = try Self.list(&baseline, index, &batch)
        let optimized = try Self.list(&optimizing, index, &batch)
        var stages: [[Exploration.Line]] = [
            text.map { Exploration.Line($0.text, offset: $0.offset) }
        ]
        for form in forms {
            stages.append(
                form.map { Exploration.Line($0.text, offset: moduleOffset($0.offset, start)) })
        }
        while stages.count < 3 { stages.append([]) }
        stages.append(lines(unoptimized, start))
        stages.append(lines(optimized, start))
        let sourceStart = module.sourceOffset(of: start)
        return Exploration.Function(
            index: index, name: inspection.name(ofFunction: index),
            body: sourceStart..<module.sourceOffset(of: Int(body.end) - 1) + 1,
            stages: stages, baselineBytes: unoptimized.byteCount,
            optimizingBytes: optimized.byteCount, sources: [], sourcePlaces: [])
    }

    private static func list<Compiler: ModuleCompiler & ~Copyable>(
        _ worker: inout CompilationWorker<Compiler>, _ index: Int, _ batch: inout CodeBatch
    ) throws -> AssemblyListing {
        batch.removeAll()
        try worker.compile(index..<index + 1, into: &batch)
        return AssemblyListing(batch)
    }

    private func lines(_ listing: AssemblyListing, _ start: Int) -> [Exploration.Line] {
        listing.lines.map { line in
            let offset = AssemblyListing.hexadecimal(line.offset, digits: 4)
            let note = line.note.map { "  ; \($0)" } ?? ""
            return Exploration.Line(
                "\(offset)  \(line.instruction)\(note)",
                offset: moduleOffset(line.bodyOffset, start))
        }
    }

    /// Where in the module `offset` of the body at `start` is; no instruction is at the body's
    /// beginning, where the locals are.
    private func moduleOffset(_ offset: UInt32?, _ start: Int) -> Int? {
        guard let offset, offset > 0 else { return nil }
        return module.sourceOffset(of: start + Int(offset))
    }
}

extension AssemblyListing {
    /// How many bytes it is of.
    fileprivate var byteCount: Int { lines.last.map { $0.offset + $0.bytes.count } ?? 0 }
}
