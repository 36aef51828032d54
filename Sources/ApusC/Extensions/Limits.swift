internal import Apus
public import CApusC

@c @implementation
public func apus_limits_init(_ out: UnsafeMutablePointer<apus_limits_t>?, _ size: Int) {
    // SAFETY: `out` has `size` bytes, as `apus.h` says; the fields that it has are written.
    guard let out = unsafe out else { return }
    var limits = apus_limits_t(ConfigurationObject().configuration.limits)
    limits.size = size
    let known = min(size, MemoryLayout<apus_limits_t>.size)
    unsafe UnsafeMutableRawPointer(out).copyMemory(from: &limits, byteCount: known)
}

extension apus_limits_t {
    init(_ limits: Limits) {
        self.init(
            size: MemoryLayout<apus_limits_t>.size, memory_bytes: limits.memoryBytes,
            table_elements: limits.tableElements, heap_bytes: limits.heapBytes,
            memories: UInt64(clamping: limits.memories), tables: UInt64(clamping: limits.tables),
            instances: UInt64(clamping: limits.instances),
            stack_bytes: UInt64(clamping: limits.stackBytes),
            module_bytes: UInt64(clamping: limits.moduleBytes),
            functions: UInt64(clamping: limits.functions),
            code_bytes: UInt64(clamping: limits.codeBytes ?? 0), fuel: limits.fuel ?? .max,
            deadline: .max, types: UInt64(clamping: limits.types))
    }
}

extension Limits {
    /// Takes what a caller has set.
    mutating func take(_ given: UnsafePointer<apus_limits_t>?) {
        // SAFETY: a caller's structure has the size it says, which `apus_limits_init` has set; what
        // it has not is as it was.
        guard let given = unsafe given else { return }
        var limits = apus_limits_t(self)
        let known = unsafe min(given.pointee.size, MemoryLayout<apus_limits_t>.size)
        unsafe withUnsafeMutableBytes(of: &limits) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: given, count: known))
        }
        memoryBytes = limits.memory_bytes
        tableElements = limits.table_elements
        heapBytes = limits.heap_bytes
        memories = Int(clamping: limits.memories)
        tables = Int(clamping: limits.tables)
        instances = Int(clamping: limits.instances)
        stackBytes = Int(clamping: limits.stack_bytes)
        moduleBytes = Int(clamping: limits.module_bytes)
        functions = Int(clamping: limits.functions)
        codeBytes = limits.code_bytes == 0 ? nil : Int(clamping: limits.code_bytes)
        fuel = limits.fuel == .max ? nil : limits.fuel
        deadline = Duration(nanoseconds: limits.deadline)
        types = Int(clamping: limits.types)
    }
}

extension Duration {
    /// So many nanoseconds; nil for the greatest number, which stands for no end.
    init?(nanoseconds: UInt64) {
        if nanoseconds == .max { return nil }
        self = .nanoseconds(Int64(clamping: nanoseconds))
    }
}
