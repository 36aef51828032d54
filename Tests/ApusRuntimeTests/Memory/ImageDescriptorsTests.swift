import ApusCollections
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Images are there for any number of modules, descriptors for the few that were used last.
@Suite struct ImageDescriptorsTests {
    private static func image(
        _ byte: UInt8, _ descriptors: ImageDescriptors
    ) throws -> MemoryImage {
        try MemoryImage(byteCount: 8192, in: descriptors) { writer throws(ResourceError) in
            try writer.write([byte].span, at: 5000)
        }
    }

    private static func memory(_ image: MemoryImage) throws -> LinearMemory {
        let type = MemoryType(limits: SizeLimits(minimum: 1))
        return try unsafe LinearMemory(
            type, limit: 1 << 20, site: LinearMemory.Site(record: nil, place: nil, image: image))
    }

    @Test func thoseUsedLastHaveDescriptors() throws {
        let descriptors = ImageDescriptors(limit: 2)
        var images: [MemoryImage] = []
        for byte in 1...5 {
            images.append(try Self.image(UInt8(byte), descriptors))
            #expect(descriptors.count == min(byte, 2))
        }
        for round in 0..<2 {
            for (index, image) in images.enumerated() {
                let memory = try Self.memory(image)
                #expect(memory.isMapped)
                #expect(unsafe memory.load(UInt8.self, at: 5000) == UInt8(index + 1))
                #expect(unsafe memory.load(UInt8.self, at: 4999) == 0)
                #expect(memory.store(UInt8(99), at: 5000))
                // As it was at first, whether its pages are kept or given back.
                #expect(memory.reset(keepingResident: round == 0 ? 0 : 8192))
                #expect(unsafe memory.load(UInt8.self, at: 5000) == UInt8(index + 1))
            }
        }
        #expect(descriptors.count == 2)
        images.removeFirst(4)
        #expect(descriptors.count == 1)
        images.removeAll()
        #expect(descriptors.count == 0)
    }

    /// Others need not wait until an image is written again.
    @Test func noLockIsHeldWhileImagesAreWritten() throws {
        let descriptors = ImageDescriptors(limit: 1)
        let image = try MemoryImage(byteCount: 8192, in: descriptors) {
            writer throws(ResourceError) in
            // With the lock held this would wait for ever.
            #expect(descriptors.count <= 1)
            try writer.write([7].span, at: 5000)
        }
        let other = try Self.image(2, descriptors)
        for (image, byte) in [(image, 7), (other, 2), (image, 7)] as [(MemoryImage, UInt8)] {
            let memory = try Self.memory(image)
            #expect(memory.isMapped)
            #expect(unsafe memory.load(UInt8.self, at: 5000) == byte)
            #expect(descriptors.count == 1)
        }
    }

    /// Who has made a file in vain closes it.
    @Test func theSameImageMayBeMadeTwiceAtOnce() throws {
        let descriptors = ImageDescriptors(limit: 1)
        let image = try Self.image(1, descriptors)
        descriptors.close(image)
        var files: [Int32] = []
        func make() throws(ResourceError) -> ImageFile {
            if files.isEmpty {
                files.append(-1)
                try descriptors.with(image, make: make) { files.append($0.descriptor) }
            }
            return ImageFile(descriptor: apus_image_make(8192))
        }
        try descriptors.with(image, make: make) { files.append($0.descriptor) }
        #expect(files.count == 3 && files[1] == files[2])
        #expect(descriptors.count == 1)
    }

    /// Parts of a file are mapped from it as long as there is a descriptor, and then from a file
    /// that is made of them.
    @Test func partsOfAFileAreImages() throws {
        let page = 4096
        var contents = [UInt8](repeating: 0, count: 4 * page)
        contents[page + 10] = 1
        contents[3 * page + 10] = 3
        let path = "/tmp/apus-image-\(UInt64.random(in: 0...UInt64.max))"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        #expect(unsafe write(descriptor, contents, contents.count) == contents.count)
        let file = try MappedFile.map(descriptor)
        let descriptors = ImageDescriptors(limit: 1)
        func image(_ first: Int, _ end: Int) throws -> MemoryImage {
            let range = UInt64(first * page)..<UInt64(end * page)
            return try MemoryImage(range, of: file, descriptor, in: descriptors)
        }
        let one = try image(1, 3)
        let other = try image(3, 4)
        close(descriptor)
        unsafe unlink(path)
        for _ in 0..<2 {
            for (image, byte) in [(one, UInt8(1)), (other, 3)] {
                let memory = try Self.memory(image)
                #expect(memory.isMapped)
                #expect(unsafe memory.load(UInt8.self, at: 10) == byte)
                #expect(unsafe memory.load(UInt8.self, at: 5000) == 0)
                #expect(memory.store(UInt8(99), at: 10))
                #expect(memory.reset(keepingResident: 0))
                #expect(unsafe memory.load(UInt8.self, at: 10) == byte)
                #expect(memory.store(UInt8(99), at: 10))
                #expect(memory.reset(keepingResident: 8192))
                #expect(unsafe memory.load(UInt8.self, at: 10) == byte)
            }
        }
        #expect(file.bytes.span[page + 10] == 1)
        #expect(descriptors.count == 1)
    }

    @Test func withoutDescriptorsContentsAreCopied() async {
        // Requests and images of the whole process are counted.
        await #expect(processExitsWith: .success) {
            let descriptors = ImageDescriptors(limit: 1)
            let first = try ImageDescriptorsTests.image(1, descriptors)
            let second = try ImageDescriptorsTests.image(2, descriptors)
            #expect(apus_live_images() == 1)
            // Address space, access to it, and then the new file that is needed.
            apus_fail_request(3)
            let memory = try ImageDescriptorsTests.memory(first)
            #expect(apus_requests_until_failure() == 0)
            #expect(!memory.isMapped)
            for kept in [UInt64(0), 4096, 65536] {
                #expect(unsafe memory.load(UInt8.self, at: 5000) == 1)
                #expect(memory.store(UInt64.max, at: 5000))
                #expect(memory.store(UInt64.max, at: 60000))
                #expect(memory.reset(keepingResident: kept))
                #expect(unsafe memory.load(UInt64.self, at: 5000) == 1)
                #expect(unsafe memory.load(UInt64.self, at: 60000) == 0)
            }
            #expect(try ImageDescriptorsTests.memory(second).isMapped)
        }
    }

    @Test func refusedImagesAreNotAskedForAgain() async {
        await #expect(processExitsWith: .success) {
            var parts = parts([.unreachable], bytes: [1, 2, 3])
            parts.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
            parts.data = [
                DataSegment(
                    mode: .active(memory: 0, offset: ConstantExpression([.i32Const(5)])),
                    contents: 0..<3)
            ]
            let module = try load([.unreachable], parts, in: makeEnvironment())
            let store = try RuntimeStore(module.environment)
            let request = InstanceAllocationRequest(
                imports: try Imports([], for: module, in: store), store: store)
            apus_fail_request(1)
            #expect(module.images.images(for: request) == nil)
            apus_fail_request(1)
            #expect(module.images.images(for: request) == nil)
            #expect(apus_requests_until_failure() == 1)
            apus_fail_request(0)
            let instance = try store.instantiate(Imports([], for: module, in: store))
            #expect(unsafe instance.memories[0].load(UInt8.self, at: 7) == 3)
        }
    }
}
