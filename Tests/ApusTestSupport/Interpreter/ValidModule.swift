internal import ApusCollections
public import ApusFormat

/// Decodes and validates completely, without compiling.
public enum ValidModule {
    public static func decode(
        _ bytes: [UInt8], features: FeatureSet = .standard
    ) throws(ModuleError) -> DecodedModule {
        let module = try ModuleDecoder.decode(ByteStorage(bytes), features: features)
        try ModuleValidator.validate(module, features: features)
        var validator = FunctionValidator(module, features: features)
        for index in module.importedFunctionCount..<module.functions.count {
            try validator.validate(index)
        }
        return module
    }
}
