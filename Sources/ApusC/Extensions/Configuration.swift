internal import Apus
public import CApusC

@c @implementation
public func apus_config_set_compiler(_ config: OpaquePointer?, _ compiler: apus_compiler_t) {
    let chosen: Engine.Compiler =
        switch UInt32(compiler) {
        case APUS_COMPILER_BASELINE.rawValue: .baseline
        case APUS_COMPILER_OPTIMIZING.rawValue: .optimizing
        default: .tiered
        }
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(config, as: ConfigurationObject.self).configuration.compiler = chosen
}

@c @implementation
public func apus_config_set_feature(
    _ config: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ isOn: Bool
) -> Bool {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The text ends
    // with a zero, as `apus.h` asks of the caller.
    let object = unsafe Handle.borrow(config, as: ConfigurationObject.self)
    let name = unsafe string(name)
    guard let feature = Feature.allCases.first(where: { $0.name == name }) else {
        LastError.note(APUS_ERROR_OTHER, "there is no feature called \(name)")
        return false
    }
    if isOn {
        object.configuration.features.formUnion(FeatureSet(feature))
    } else {
        object.configuration.features.subtract(FeatureSet(feature))
    }
    return true
}

@c @implementation
public func apus_config_set_fuel_metering(_ config: OpaquePointer?, _ isOn: Bool) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(config, as: ConfigurationObject.self).configuration.isFuelMetered = isOn
}

@c @implementation
public func apus_config_set_interruption_by_polling(_ config: OpaquePointer?, _ isOn: Bool) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(config, as: ConfigurationObject.self).configuration.interruption =
        isOn ? .polling : .signals
}

@c @implementation
public func apus_config_set_compilation_threads(_ config: OpaquePointer?, _ count: UInt32) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(config, as: ConfigurationObject.self).configuration.compilationThreads =
        count == 0 ? nil : Int(count)
}

@c @implementation
public func apus_config_set_limits(
    _ config: OpaquePointer?, _ limits: UnsafePointer<apus_limits_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. `limits` is
    // NULL or as large as it says, as `apus.h` asks of the caller.
    let object = unsafe Handle.borrow(config, as: ConfigurationObject.self)
    unsafe object.configuration.limits.take(limits)
}

@c @implementation
public func apus_config_set_cache(
    _ config: OpaquePointer?, _ directory: UnsafePointer<CChar>?, _ bytesLimit: UInt64
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The text ends
    // with a zero, as `apus.h` asks of the caller.
    let object = unsafe Handle.borrow(config, as: ConfigurationObject.self)
    var cache = unsafe Cache(directory: string(directory))
    if bytesLimit != 0 { cache.bytesLimit = bytesLimit }
    object.configuration.cache = cache
}

@c @implementation
public func apus_config_set_pool(
    _ config: OpaquePointer?, _ instances: UInt32, _ memoryBytes: UInt64, _ tableElements: UInt64
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let object = unsafe Handle.borrow(config, as: ConfigurationObject.self)
    object.configuration.allocator = .pooling(
        Engine.Pool(
            instances: Int(instances), memoryBytes: memoryBytes, tableElements: tableElements))
}
