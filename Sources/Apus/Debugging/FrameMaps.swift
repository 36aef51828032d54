internal import ApusABI
internal import ApusBaseline
internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat
internal import ApusRuntime

/// What is known of the functions of a module that debuggers look at: where their frames have what,
/// and which lines they have. Found out when somebody asks, once for each function.
final class FrameMaps {
    private let module: LoadedModule
    private var validator: FunctionValidator
    private var compiler: BaselineCompiler
    private var frames: [Int: FunctionFrame] = [:]
    private var lines: [Int: FunctionLines?] = [:]
    /// Names of locals and globals.
    let names: ModuleNames
    private lazy var exportNames = module.module.exportNames

    init(_ module: LoadedModule, _ configuration: Engine.Configuration) {
        self.module = module
        validator = FunctionValidator(module.module, features: configuration.features)
        let driver = CompilationDriver(
            module: module.module, configuration: configuration,
            budget: CompilationBudget(codeBytes: .max))
        compiler = BaselineCompiler(driver.environment)
        names = ModuleNames(module.module)
    }

    /// The name of function `index` in the name section, else the first it is exported under.
    func name(ofFunction index: Int) -> String? {
        names.function(index) ?? exportNames[index]
    }

    /// What is where in frames of function `index`, which has been compiled; nil if that cannot be
    /// said.
    func frame(_ index: Int) -> FunctionFrame? {
        if let known = frames[index] { return known }
        guard (try? validator.validate(index)) != nil,
            let map = try? compiler.frameMap(index, validator.analysis)
        else { return nil }
        var frame = FunctionFrame(operands: map.operands, stride: map.operandStride)
        for local in 0..<map.locals.count { frame.places.append(map.locals[local]) }
        frame.locals = ((try? validator.localTypes(of: index)) ?? []).map { module.resolve($0) }
        frames[index] = frame
        return frame
    }

    /// The types of the operands before the instruction at `offset` of function `index`.
    func operands(_ index: Int, before offset: Int) -> [ValueType] {
        let types = try? validator.operandTypes(before: offset, in: index)
        return (types ?? nil)?.map { module.resolve($0) } ?? []
    }

    /// Where the instructions of function `index` begin.
    func instructions(_ index: Int) -> [Int] {
        (try? validator.instructionOffsets(of: index)) ?? []
    }

    /// The lines of the function that the instruction at `offset` of the code is in, by offsets in
    /// the module's own bytes; nil if they are not known.
    func lines(around offset: Int) -> FunctionLines? {
        guard let index = module.module.function(at: offset) else { return nil }
        return lines(of: index)
    }

    func lines(of index: Int) -> FunctionLines? {
        if let known = lines[index] { return known }
        let body = module.module.bodies[index - module.module.importedFunctionCount]
        let range = module.module.sourceRange(of: body)
        var budget = WorkBudget.lookup
        var rows = module.sourceIndex?.lines(in: range, &budget) ?? SourceLines()
        // What comes before the instructions counts as the first of them.
        let first =
            instructions(index).first.map { module.module.sourceOffset(of: $0) }
            ?? range.lowerBound
        for place in rows.rows.indices {
            rows.rows[place].offset = max(rows.rows[place].offset, first)
        }
        let found = FunctionLines(rows)
        lines[index] = found
        return found
    }
}

/// What is where in frames of a function.
struct FunctionFrame {
    /// The types of its locals.
    var locals: [ValueType] = []
    /// Where they are, from the frame pointer; 0: nobody uses them, and they are nowhere.
    var places: [Int32] = []
    /// Where the operand at the bottom of the stack is, and how far it is to the next one.
    let operands: Int32
    let stride: Int32

    init(operands: Int32, stride: Int32) {
        self.operands = operands
        self.stride = stride
    }
}

extension DecodedModule {
    /// The function whose code has the byte at `offset`.
    func function(at offset: Int) -> Int? {
        function(at: offset) { Int($0.start)..<Int($0.end) }
    }

    /// The function that comes from the byte at `offset` of the module's own.
    func function(ofSource offset: Int) -> Int? {
        function(at: offset) { sourceRange(of: $0) }
    }

    private func function(at offset: Int, _ range: (FunctionBody) -> Range<Int>) -> Int? {
        // Bodies that were rewritten lie behind all others, in whatever order.
        let place = bodies.partitioningIndex { Int($0.start) > offset } - 1
        if place >= 0, range(bodies[place]).contains(offset) {
            return importedFunctionCount + place
        }
        return bodies.firstIndex { range($0).contains(offset) }.map { importedFunctionCount + $0 }
    }

    /// Where in the module's own bytes a body comes from.
    func sourceRange(of body: FunctionBody) -> Range<Int> {
        let start = sourceOffset(of: Int(body.start))
        return start..<max(sourceOffset(of: Int(body.end) - 1) + 1, start)
    }
}
