internal import ApusABI
internal import ApusBaseline
internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat

extension NativeCode {
    /// Adds where the code, which the baseline compiler has made for debuggers, keeps locals,
    /// globals and memory 0.
    mutating func addVariables(of module: DecodedModule, _ configuration: Engine.Configuration) {
        let context = ContextLayout(module)
        layout.contextSlot = FrameLayout.context
        layout.memoryBase = ContextField.memoryBase
        layout.globals = module.globals.indices.map { index in
            index < module.importedGlobalCount ? nil : context.global(index)
        }
        layout.pointerBytes = module.memories.first?.is64 == true ? 8 : 4
        let budget = CompilationBudget(codeBytes: .max)
        let driver = CompilationDriver(
            module: module, configuration: configuration, budget: budget)
        var validator = FunctionValidator(module, features: configuration.features)
        var compiler = BaselineCompiler(driver.environment)
        for position in functions.indices where position < module.bodies.count {
            let index = module.importedFunctionCount + position
            guard (try? validator.validate(index)) != nil,
                let frame = try? compiler.frameMap(index, validator.analysis)
            else { continue }
            // Locals that nobody uses are nowhere.
            for local in 0..<frame.locals.count {
                let slot = frame.locals[local]
                functions[position].locals.append(slot == 0 ? nil : slot)
            }
        }
    }
}
