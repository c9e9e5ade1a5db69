//! The codec of every service: prost with small buffers. tonic allocates one buffer for each direction of each call and keeps it as long as
//! the call lasts. A session of an agent is one call that lasts for weeks, and its messages are short, so two buffers of tonic's default
//! size (8 KiB) would cost a coordinator 160 MiB for ten thousand agents. A longer message makes its buffer grow.

use prost::Message;
use std::marker::PhantomData;
use tonic::codec::BufferSettings;
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

/// Bytes of a new buffer: a heartbeat without facts has less than a hundred.
const BUFFER: usize = 512;
/// Bytes from which a stream of ready messages is written out.
const WRITTEN_AT: usize = 32 << 10;

pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

fn buffers() -> BufferSettings {
    BufferSettings::new(BUFFER, WRITTEN_AT)
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(buffers())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::raw_decoder(buffers())
    }
}
