import ApusABI
import ApusCollections
import ApusFormat
import ApusIR

@testable import ApusOptimizer

/// The functions of a module as the translator makes them, one after the other.
struct ModuleFunctions: ~Copyable {
    let module: DecodedModule
    private var validator: FunctionValidator
    private var translator: FunctionTranslator

    /// Takes the module whose binary form `bytes` is; throws if it is not valid.
    init(_ bytes: [UInt8], features: FeatureSet = .standard) throws {
        let decoded = try ModuleDecoder.decode(ByteStorage(bytes), features: features)
        try ModuleValidator.validate(decoded, features: features)
        module = decoded
        validator = FunctionValidator(module, features: features)
        translator = FunctionTranslator(ModuleEnvironment(module: module))
    }

    /// Does `work` with each function that the translator does not leave to the other compiler,
    /// and returns how many these are.
    mutating func forEach(_ work: (Int, inout Function) throws -> Void) throws -> Int {
        var count = 0
        for place in module.bodies.indices {
            let index = module.importedFunctionCount + place
            try validator.validate(index)
            guard translator.translate(index, validator.analysis) else { continue }
            try work(index, &translator.builder.function)
            count += 1
        }
        return count
    }
}
