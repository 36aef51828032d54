// Made by: ModuleImages, once per memory that a module defines and initialises.
// Used by: LinearMemory, which maps it so that pages are copied when they are written.

internal import CApusHost

/// The first contents of a memory, in a file that lives in memory only.
///
/// Each instance maps it privately: what none of them writes to is there once for all, and giving
/// an instance's memory its first contents back is one call of the system.
@safe
final class MemoryImage: Sendable {
    // SAFETY: `view` is a mapping of `byteCount` bytes, readable, of a file that nobody can change
    // any more; this object owns it and the descriptor.
    /// Size in bytes: whole pages of the system. The image begins where the memory does.
    let byteCount: UInt64
    private let descriptor: Int32
    private nonisolated(unsafe) let view: UnsafeRawPointer

    /// An image of `byteCount` bytes, whole pages: zeros, and what `write` puts there.
    init(
        byteCount: UInt64, _ write: (borrowing Writer) throws(ResourceError) -> Void
    ) throws(ResourceError) {
        let descriptor = apus_image_make(byteCount)
        guard descriptor >= 0 else {
            throw ResourceError(.image, requested: byteCount, errorNumber: -descriptor)
        }
        do throws(ResourceError) {
            try write(Writer(descriptor: descriptor))
        } catch {
            apus_image_close(descriptor)
            throw error
        }
        guard let view = unsafe apus_image_view(descriptor, byteCount) else {
            apus_image_close(descriptor)
            throw ResourceError(.image, requested: byteCount)
        }
        self.byteCount = byteCount
        self.descriptor = descriptor
        unsafe self.view = view
    }

    deinit {
        unsafe apus_unmap(UnsafeMutableRawPointer(mutating: view), byteCount)
        apus_image_close(descriptor)
    }

    /// Puts bytes into an image that is being made.
    struct Writer: ~Copyable {
        fileprivate let descriptor: Int32

        func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(ResourceError) {
            let count = UInt64(bytes.count)
            let error = unsafe bytes.withUnsafeBufferPointer { source in
                unsafe apus_image_write(descriptor, source.baseAddress, count, offset)
            }
            guard error == 0 else {
                throw ResourceError(.image, requested: count, errorNumber: error)
            }
        }
    }

    /// Maps the image over the first pages of the reservation at `base`.
    func map(at base: UnsafeMutableRawPointer) throws(ResourceError) {
        let error = unsafe apus_image_map(descriptor, base, byteCount)
        guard error == 0 else {
            throw ResourceError(.image, requested: byteCount, errorNumber: error)
        }
    }

    /// Writes the first `count` bytes of the image's contents, zeros after its end, to `base`.
    func restore(_ base: UnsafeMutableRawPointer, count: UInt64) {
        let copied = min(count, byteCount)
        unsafe base.copyMemory(from: view, byteCount: Int(truncatingIfNeeded: copied))
        if count > copied {
            unsafe (base + Int(truncatingIfNeeded: copied)).initializeMemory(
                as: UInt8.self, repeating: 0, count: Int(truncatingIfNeeded: count &- copied))
        }
    }
}
