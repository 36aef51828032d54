internal import ApusABI
internal import ApusBaseline
public import ApusCollections
internal import ApusFormat
internal import ApusOptimizer
internal import ApusText

/// Shows what becomes of one function on its way from text to machine code.
@_spi(ApusCLI)
public struct ModuleInspection: Sendable {
    let bytes: ByteStorage
    let module: DecodedModule
    private let names: ModuleNames
    /// The first name of each function that is exported.
    private let exportNames: [Int: String]
    let configuration: Engine.Configuration

    /// The forms a function has, in the order it goes through them.
    public enum Stage: String, CaseIterable, Sendable {
        /// The text format.
        case text
        /// The optimizing compiler's own form, after its passes.
        case ir
        /// Its instructions with their registers.
        case machine
        /// The machine code of either compiler.
        case assembly
    }

    /// Takes the module whose binary form `bytes` is. Throws `ModuleError` if it is not valid.
    public init(_ bytes: ByteStorage, _ configuration: Engine.Configuration) throws {
        self.bytes = bytes
        self.configuration = configuration
        let features = configuration.features
        module = try ModuleDecoder.decode(bytes, features: features)
        try ModuleValidator.validate(module, features: features)
        names = ModuleNames(module)
        exportNames = module.exportNames
    }

    /// The function called `name`, an index, an exported name or one of the name section, at
    /// `stage`, as text.
    ///
    /// - Throws: `FunctionNameError`; `ModuleError` if the function is not valid or cannot be
    ///   compiled.
    public func text(_ name: String, at stage: Stage) throws -> String {
        let index = try findDefined(name)
        let place = index - module.importedFunctionCount
        let ownName = names.function(index).map { " " + PrintableText.name($0) } ?? ""
        let title = "function \(index)\(ownName)"
        let start = module.sourceOffset(of: Int(module.bodies[place].start))
        let head = ";; \(title), body at module+0x\(String(start, radix: 16))\n"
        switch stage {
        case .text:
            let number = UInt32(truncatingIfNeeded: index)
            return head + (try TextFormat.print(function: number, of: bytes) ?? "")
        case .ir: return head + (try intermediate(index, .ir))
        case .machine: return head + (try intermediate(index, .machine))
        case .assembly: return head + (try assembly(index))
        }
    }

    // MARK: Stages

    var environment: ModuleEnvironment {
        CompilationDriver(module: module, configuration: configuration, budget: budget).environment
    }

    var budget: CompilationBudget {
        CompilationBudget(
            codeBytes: configuration.limits.codeBytes(moduleBytes: module.bytes.count))
    }

    private func validated(_ index: Int) throws(ModuleError) -> FunctionValidator {
        var validator = FunctionValidator(module, features: configuration.features)
        try validator.validate(index)
        return validator
    }

    private func intermediate(_ index: Int, _ form: IntermediateForm) throws -> String {
        let validator = try validated(index)
        var compiler = OptimizingCompiler(environment)
        guard let text = compiler.text(index, validator.analysis, as: form) else {
            throw FunctionNameError.leftOut(index)
        }
        return text
    }

    private func assembly(_ index: Int) throws -> String {
        var batch = CodeBatch()
        let features = configuration.features
        switch configuration.compiler {
        case .baseline:
            var worker = CompilationWorker<BaselineCompiler>(environment, features, budget)
            try worker.compile(index..<index + 1, into: &batch)
        case .optimizing, .tiered:
            var worker = CompilationWorker<OptimizingModuleCompiler>(environment, features, budget)
            try worker.compile(index..<index + 1, into: &batch)
        }
        return AssemblyListing(batch).text
    }

    // MARK: Names

    /// The name of function `index` as it stands in its source, or the first it is exported under.
    func name(ofFunction index: Int) -> String? {
        if let name = names.function(index) { return DemangledName.of(name) ?? name }
        return exportNames[index]
    }

    /// The index of the function called `name`, which has a body.
    func findDefined(_ name: String) throws(FunctionNameError) -> Int {
        let index = try find(name)
        guard index >= module.importedFunctionCount else { throw .imported(index) }
        return index
    }

    private func find(_ name: String) throws(FunctionNameError) -> Int {
        if let index = Int(name), module.functions.indices.contains(index) { return index }
        for export in module.exports where export.name == name {
            if case .function(let index) = export.item { return Int(index) }
        }
        let plain = name.hasPrefix("$") ? String(name.dropFirst()) : name
        for index in module.functions.indices where names.function(index) == plain { return index }
        throw .unknown(name, near: namesNear(plain))
    }

    /// Names of functions that are similar to `name`.
    private func namesNear(_ name: String) -> [String] {
        var found: Set<String> = []
        for export in module.exports {
            if case .function = export.item { found.insert(export.name) }
        }
        for index in module.functions.indices {
            if let name = names.function(index) { found.insert(name) }
        }
        return SimilarNames.near(name, among: found)
    }
}

/// A function of a module that is to be shown cannot be.
public enum FunctionNameError: Error, Hashable, Sendable {
    /// No function is called so; these names are like it.
    case unknown(String, near: [String])
    /// The function is imported, so it has no code.
    case imported(Int)
    /// The optimizing compiler leaves the function to the baseline compiler.
    case leftOut(Int)
}

extension FunctionNameError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown(let name, let near):
            let names = near.map(PrintableText.name).joined(separator: ", ")
            let hint = near.isEmpty ? "" : "; there is \(names)"
            return "no function is called \"\(PrintableText.name(name))\"\(hint)"
        case .imported(let index): return "function \(index) is imported: it has no code here"
        case .leftOut(let index):
            return "the optimizing compiler leaves function \(index) to the baseline compiler"
        }
    }
}
