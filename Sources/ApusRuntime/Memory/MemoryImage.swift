// Made by: ModuleImages, once per memory that a module defines and initialises, or Artifact, which
// has them.
// Used by: LinearMemory, which maps it so that pages are copied when they are written.

internal import ApusCollections
internal import CApusHost

/// The first contents of a memory, in a file that lives in memory only, or in a part of one that is
/// mapped.
///
/// Each instance maps it privately: what none of them writes to is there once for all, and giving
/// an instance's memory its first contents back is one call of the system.
@safe
final class MemoryImage: Sendable {
    // SAFETY: `view` is a mapping of `byteCount` bytes, readable, of a file that nobody can change
    // any more; this object owns it, unless `file` does, which this object keeps.
    /// Size in bytes: whole pages of the system. The image begins where the memory does.
    let byteCount: UInt64
    private nonisolated(unsafe) let view: UnsafeRawPointer
    /// Has the descriptor of the file, or did.
    private let descriptors: ImageDescriptors
    private let write: Contents
    /// What it is a part of.
    private let file: MappedFile?

    /// Puts the contents that are not zeros into a file.
    typealias Contents = @Sendable (borrowing Writer) throws(ResourceError) -> Void

    /// An image of `byteCount` bytes, whole pages: zeros, and what `write` puts there.
    init(
        byteCount: UInt64, in descriptors: ImageDescriptors = .shared,
        _ write: @escaping Contents
    ) throws(ResourceError) {
        let descriptor = try Self.make(byteCount, write)
        // SAFETY: the view is of `byteCount` bytes of the file that was just made; it becomes this
        // object's.
        guard let view = unsafe apus_image_view(descriptor, byteCount) else {
            apus_image_close(descriptor)
            throw ResourceError(.image, requested: byteCount)
        }
        self.byteCount = byteCount
        unsafe self.view = view
        self.descriptors = descriptors
        self.write = write
        file = nil
        descriptors.add(ImageFile(descriptor: descriptor), of: self)
    }

    /// The image that lies in `file`, which is open as `descriptor`, at `range`: whole pages.
    init(
        _ range: Range<UInt64>, of file: MappedFile, _ descriptor: Int32,
        in descriptors: ImageDescriptors = .shared
    ) throws(ResourceError) {
        let count = UInt64(range.count)
        let own = apus_image_share(descriptor)
        guard own >= 0 else {
            throw ResourceError(.image, requested: count, errorNumber: -own)
        }
        byteCount = count
        // SAFETY: the range is whole pages of `file`, which is kept; `address` looks at its start.
        unsafe view = file.address(at: range.lowerBound)
        self.descriptors = descriptors
        self.file = file
        let bytes = Int(range.lowerBound)..<Int(range.upperBound)
        write = { writer throws(ResourceError) in
            try writer.write(file.bytes.span.extracting(bytes), at: 0)
        }
        descriptors.add(ImageFile(descriptor: own, offset: range.lowerBound), of: self)
    }

    deinit {
        descriptors.close(self)
        // SAFETY: the view is this object's own unless the file has it; who maps the image has a
        // mapping of its own.
        if file == nil { unsafe apus_unmap(UnsafeMutableRawPointer(mutating: view), byteCount) }
    }

    /// The descriptor of a new file, sealed.
    private static func make(
        _ byteCount: UInt64, _ write: Contents
    ) throws(ResourceError) -> Int32 {
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
        let error = apus_image_seal(descriptor)
        guard error == 0 else {
            apus_image_close(descriptor)
            throw ResourceError(.image, requested: byteCount, errorNumber: error)
        }
        return descriptor
    }

    /// Puts bytes into an image that is being made.
    struct Writer: ~Copyable {
        fileprivate let descriptor: Int32

        func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(ResourceError) {
            let count = UInt64(bytes.count)
            // SAFETY: the source is lent for the call, which reads `count` bytes.
            let error = unsafe bytes.withUnsafeBufferPointer { source in
                unsafe apus_image_write(descriptor, source.baseAddress, count, offset)
            }
            guard error == 0 else {
                throw ResourceError(.image, requested: count, errorNumber: error)
            }
        }
    }

    /// Maps the image over the first pages of the reservation at `base`. If there is no descriptor
    /// to be had for that, it copies its contents there and returns false.
    func map(at base: UnsafeMutableRawPointer) throws(ResourceError) -> Bool {
        var hasDescriptor = false
        do throws(ResourceError) {
            try descriptors.with(self, make: make) { file throws(ResourceError) in
                hasDescriptor = true
                // SAFETY: the caller has room for the image at `base`, which nobody else uses
                // meanwhile.
                let error = unsafe apus_image_map(file.descriptor, file.offset, base, byteCount)
                guard error == 0 else {
                    throw ResourceError(.image, requested: byteCount, errorNumber: error)
                }
            }
            return true
        } catch {
            if hasDescriptor { throw error }
            unsafe restore(base, 0..<byteCount)
            return false
        }
    }

    /// A new file of the same contents.
    private func make() throws(ResourceError) -> ImageFile {
        ImageFile(descriptor: try Self.make(byteCount, write))
    }

    /// Writes the bytes of a memory at `base` that are in `range` as they were at first: the
    /// image's contents, and zeros after its end.
    func restore(_ base: UnsafeMutableRawPointer, _ range: Range<UInt64>) {
        // SAFETY: the caller has room for the range from `base` on; what is copied ends with the
        // view.
        let copied = range.clamped(to: 0..<byteCount)
        unsafe (base + Int(copied.lowerBound)).copyMemory(
            from: view + Int(copied.lowerBound), byteCount: copied.count)
        let zeros = range.clamped(to: byteCount..<max(byteCount, range.upperBound))
        unsafe (base + Int(zeros.lowerBound)).initializeMemory(
            as: UInt8.self, repeating: 0, count: zeros.count)
    }
}
